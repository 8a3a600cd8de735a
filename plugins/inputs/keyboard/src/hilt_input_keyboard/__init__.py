"""The keyboard of a terminal as an input: works over SSH, in tmux and without a display."""
