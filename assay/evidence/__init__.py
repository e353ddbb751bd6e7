"""What runs are asked and leave behind: questions, answers, the store, and keys and receipts."""
