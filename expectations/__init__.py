"""What must hold before anything leaves: data contracts and the gates they close."""
