"""What a migration declares: transforms, copies, drops and keeps; and what the engine derives from them."""
