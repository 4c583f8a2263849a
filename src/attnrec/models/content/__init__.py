"""Content of users and items in models: fused modalities, state, and attribution by column."""
