import unittest


class Written(unittest.TestCase):
    def test_numbers(self):
        from numerals.write import write

        for number, text in [(1, "I"), (4, "IV"), (1994, "MCMXCIV"), (3999, "MMMCMXCIX")]:
            self.assertEqual(write(number), text)

    def test_what_cannot_be_written(self):
        from numerals.write import write

        for number in [0, -1, 4000]:
            with self.assertRaises(ValueError):
                write(number)


if __name__ == "__main__":
    unittest.main()
