"""What is for sale: watches, their texts, prices and pictures. How many are left is the business of `stock`."""
