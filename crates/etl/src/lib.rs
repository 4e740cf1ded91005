//! Bronze to silver to gold: cleaning steps with lineage.
