import os
import tempfile
import unittest


class OnTheShelf(unittest.TestCase):
    def setUp(self):
        from shelf.store import Store

        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "books.json")
        self.open = lambda: Store(self.path)

    def tearDown(self):
        self.dir.cleanup()

    def test_a_book_stays(self):
        self.open().add("Emma")
        self.assertEqual(self.open().books, [{"title": "Emma", "read": False}])

    def test_a_book_is_read(self):
        store = self.open()
        store.add("Emma")
        store.read("Emma")
        self.assertTrue(self.open().books[0]["read"])

    def test_titles_are_needed_and_unique(self):
        store = self.open()
        store.add("Emma")
        for wrong in ["", "  ", "Emma"]:
            with self.assertRaises(ValueError):
                store.add(wrong)


if __name__ == "__main__":
    unittest.main()
