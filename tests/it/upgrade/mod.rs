//! Upgrades: a new version migrates while replicas of the old one work, and an old version
//! starts beside a newer schema.

mod floor;
mod indexes;
mod previous;
mod starting;
