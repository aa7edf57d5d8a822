"""Random requests that follow the API's own document: no 5xx, nothing that it does not say."""
