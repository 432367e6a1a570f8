"""How answers look in a terminal: records come in, lines of text go out to `tidemark/commands`. Pure but for `progress`."""
