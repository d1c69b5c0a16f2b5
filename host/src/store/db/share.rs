//! Shares: the parts of a process that have connections of their own, so that none of them
//! waits for another.
//!
//! Owns: the number of connections of each share.
//! Never does: open one.

/// A part of the process with connections of its own. In the order in which a part
/// without connections looks for others: it uses those of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// The commits of accepted deliveries, one after the other.
    Writer,
    /// Pings, and signals to other replicas.
    Health,
    /// The routes of the door, and news of integrations.
    Door,
    /// Calls of `/v1`.
    Api,
    /// Everything that happens without a request.
    Workers,
}

impl Share {
    /// The name in metrics.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Health => "health",
            Self::Door => "door",
            Self::Api => "api",
            Self::Workers => "workers",
        }
    }
}

/// Divides `total` connections: one each for what happens one after the other, and the rest
/// in equal parts for workers and `/v1`. Where a process has neither, the last share gets
/// the rest.
pub(super) fn divided(total: u32, shares: &[Share]) -> Vec<(Share, u32)> {
    let mut shares = shares.to_vec();
    shares.sort_unstable();
    shares.dedup();
    let is_wide = |share: &Share| matches!(share, Share::Api | Share::Workers);
    let narrow = shares.iter().filter(|share| !is_wide(share)).count();
    let wide = shares.len() - narrow;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let rest = total.saturating_sub(count(narrow));
    let last = shares.last().copied();
    let size = |share| match share {
        Share::Api if wide == 2 => rest / 2,
        Share::Workers if wide == 2 => rest - rest / 2,
        Share::Api | Share::Workers => rest,
        _ if wide == 0 && Some(share) == last => 1 + rest,
        _ => 1,
    };
    shares
        .into_iter()
        .map(|share| (share, size(share).max(1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_belongs_to_one_share() {
        use Share::{Api, Door, Health, Workers, Writer};
        let all = [Writer, Door, Health, Workers, Api];
        let divided_all = divided(15, &all);
        let expected = [(Writer, 1), (Health, 1), (Door, 1), (Api, 6), (Workers, 6)];
        assert_eq!(divided_all, expected);
        assert!(divided(5, &all).iter().all(|(_, size)| *size == 1));
        assert_eq!(divided(15, &[Health, Api]), [(Health, 1), (Api, 14)]);
        let door = divided(15, &[Writer, Health, Door]);
        assert_eq!(door, [(Writer, 1), (Health, 1), (Door, 13)]);
        for total in 5..40 {
            let sizes = divided(total, &all).into_iter().map(|(_, size)| size);
            assert_eq!(sizes.sum::<u32>(), total);
        }
    }
}
