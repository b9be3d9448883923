"""The networks that a run can choose from. Importing this package does not import Keras; its modules do."""
