//! awscost: connects AWS accounts for cost analysis and loads their bills exactly.
