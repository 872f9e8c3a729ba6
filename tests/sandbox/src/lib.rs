pub mod bill;
