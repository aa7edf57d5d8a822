"""The stores that there are, one module or package each; only the composition root names them."""
