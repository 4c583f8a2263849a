"""Content of users and items beside histories: fused modalities, state, and attribution by column."""
