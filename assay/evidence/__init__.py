"""What runs leave behind: answers, the store, and the keys and receipts over them."""
