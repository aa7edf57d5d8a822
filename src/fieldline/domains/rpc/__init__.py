"""RPC to devices: commands, with or without an answer, some of them kept until they are done."""
