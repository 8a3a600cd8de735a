"""What is done to devices outside a session: finding, setting up, calibrating and checking them."""
