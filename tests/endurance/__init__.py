"""A fleet that lives for a hundred virtual days: its files, what people do behind them, and what goes wrong."""
