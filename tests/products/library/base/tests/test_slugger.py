import unittest


class Slugs(unittest.TestCase):
    def test_slugs(self):
        from slugger import slug

        for text, name in [("Hello, World!", "hello-world"), ("  Ärger  ", "arger"), ("a--b", "a-b")]:
            self.assertEqual(slug(text), name)


class Names(unittest.TestCase):
    def test_taken_names_get_a_number(self):
        from slugger import unique

        self.assertEqual(unique("A b", set()), "a-b")
        self.assertEqual(unique("A b", {"a-b", "a-b-2"}), "a-b-3")


if __name__ == "__main__":
    unittest.main()
