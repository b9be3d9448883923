"""The pictures of the sample listings in `service/samples`, drawn. `python -m examples.samples` draws them again."""
