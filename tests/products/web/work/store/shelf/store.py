"""Books on the shelf, kept in one JSON file."""

import json
import os


class Store:
    def __init__(self, path):
        self.path = path
        self.books = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.books = json.load(file)

    def add(self, title):
        title = title.strip()
        if not title:
            raise ValueError("a book needs a title")
        if any(book["title"] == title for book in self.books):
            raise ValueError(f"'{title}' is on the shelf already")
        self.books.append({"title": title, "read": False})
        self._save()

    def read(self, title):
        for book in self.books:
            if book["title"] == title:
                book["read"] = True
                self._save()
                return
        raise KeyError(title)

    def _save(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.books, file)
        os.replace(self.path + ".new", self.path)
