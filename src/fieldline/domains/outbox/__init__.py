"""Messages to the rules that are written down in the transaction they tell of."""
