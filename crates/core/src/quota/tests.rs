use proptest::prelude::*;

use super::*;

const HOUR: i64 = HOUR_MS;
/// 06:00 UTC of some day.
const SIX: UnixMs = 1_795_500_000_000 - 1_795_500_000_000 % DAY_MS + 6 * HOUR;

fn number(n: u64) -> NumberId {
    (100 + n).to_string().parse().expect("an id")
}

fn portfolio(limit: DailyLimit, reached: u64, numbers: &[u64]) -> Portfolio {
    let numbers = numbers.iter().copied().map(number).collect();
    Portfolio { id: "300".to_owned(), limit: Some(limit), reached, numbers }
}

fn promise(run: &str, audience: &str, opens_at: UnixMs, outstanding: u64, reached: u64) -> Promise {
    Promise {
        run: run.parse().expect("an id"),
        audience: audience.parse().expect("an id"),
        opens_at,
        outstanding,
        reached,
        numbers: vec![(number(1), 80)],
    }
}

fn left(portfolio: &Portfolio, promises: &[Promise], audience: &str, opens_at: UnixMs) -> Option<u64> {
    let audience = audience.parse().expect("an id");
    let quota = Quota::of(std::slice::from_ref(portfolio), promises, Ask { run: None, audience: &audience, opens_at });
    quota.balances.first().map(|balance| balance.left)
}

fn senders(mps: &[u32]) -> Vec<Sender> {
    mps.iter().zip(1..).map(|(mps, n)| Sender { id: number(n), mps: *mps, quota: None }).collect()
}

#[test]
fn tiers_are_read_as_meta_names_them() {
    for (tier, limit) in [
        ("TIER_50", Some(DailyLimit::Users(50))),
        ("TIER_250", Some(DailyLimit::Users(250))),
        ("TIER_1K", Some(DailyLimit::Users(1_000))),
        ("TIER_2K", Some(DailyLimit::Users(2_000))),
        ("TIER_100K", Some(DailyLimit::Users(100_000))),
        ("TIER_UNLIMITED", Some(DailyLimit::Unlimited)),
        ("UNTIERED", None),
        ("TIER_MANY", None),
        ("", None),
    ] {
        assert_eq!(DailyLimit::of_tier(tier), limit, "{tier}");
    }
}

#[test]
fn what_was_reached_and_what_is_promised_is_taken_off() {
    let limited = portfolio(DailyLimit::Users(2_000), 250, &[1]);
    let other = promise("other", "b", SIX + HOUR, 500, 0);
    assert_eq!(left(&limited, std::slice::from_ref(&other), "a", SIX), Some(1_250));
    assert_eq!(left(&limited, &[other.clone(), promise("third", "c", SIX, 9_000, 0)], "a", SIX), Some(0));
    assert_eq!(left(&limited, &[other], "a", SIX + HOUR + DAY_MS), Some(1_750), "a day later");
    assert_eq!(left(&portfolio(DailyLimit::Unlimited, 9, &[1]), &[], "a", SIX), None);
    assert_eq!(left(&Portfolio { limit: None, ..limited }, &[], "a", SIX), None, "not known");
}

#[test]
fn people_who_hear_again_within_the_day_count_once() {
    // Every day at six to the same people, as many as the limit allows.
    let limited = portfolio(DailyLimit::Users(2_000), 2_000, &[1]);
    let yesterday = promise("yesterday", "a", SIX - DAY_MS, 0, 2_000);
    assert_eq!(left(&limited, std::slice::from_ref(&yesterday), "a", SIX), Some(2_000));
    assert_eq!(left(&limited, &[yesterday], "b", SIX), Some(0), "other people");
    let again = [promise("yesterday", "a", SIX - DAY_MS, 0, 1_500), promise("today", "a", SIX, 1_500, 0)];
    let limited = portfolio(DailyLimit::Users(2_000), 1_500, &[1]);
    assert_eq!(left(&limited, &again, "b", SIX), Some(500), "they are promised nothing that they do not have");
    let under_way = [promise("now", "a", SIX, 400, 600)];
    assert_eq!(left(&portfolio(DailyLimit::Users(2_000), 600, &[1]), &under_way, "b", SIX), Some(1_000));
    let twice = [promise("x", "b", SIX, 700, 0), promise("y", "b", SIX + HOUR, 600, 0)];
    assert_eq!(left(&portfolio(DailyLimit::Users(2_000), 0, &[1]), &twice, "a", SIX), Some(1_300));
}

#[test]
fn a_run_does_not_compete_with_itself() {
    let limited = portfolio(DailyLimit::Users(1_000), 0, &[1]);
    let own = promise("own", "a", SIX, 900, 0);
    let (run, audience) = (own.run.clone(), own.audience.clone());
    let quota = Quota::of(&[limited], &[own], Ask { run: Some(&run), audience: &audience, opens_at: SIX });
    assert_eq!(quota.balances[0].left, 1_000);
}

#[test]
fn a_run_over_two_portfolios_takes_of_each_by_throughput() {
    let limited = portfolio(DailyLimit::Users(2_000), 0, &[1]);
    let other = Promise { numbers: vec![(number(1), 80), (number(2), 240)], ..promise("o", "b", SIX, 1_001, 0) };
    assert_eq!(left(&limited, &[other], "a", SIX), Some(2_000 - 251));
}

#[test]
fn a_shortfall_gives_the_arithmetic() {
    let limited = portfolio(DailyLimit::Users(2_000), 250, &[1, 2]);
    let audience = "a".parse().expect("an id");
    let ask = Ask { run: None, audience: &audience, opens_at: SIX };
    let quota = Quota::of(&[limited], &[promise("other", "b", SIX, 500, 0)], ask);
    let short = quota.shortfall(2_000, &senders(&[80, 80])).expect("too few are left");
    assert_eq!(
        short.to_string(),
        "2,000 recipients, but Meta's messaging limit leaves 1,250: portfolio 300 may reach 2,000 users in 24 hours and \
         has reached 250, 500 are promised to run other"
    );
    assert_eq!(short.attainable(), 0.625);
    assert_eq!(quota.shortfall(1_250, &senders(&[80, 80])), None);
    assert_eq!(quota.shortfall(2_000, &senders(&[80, 80, 80])), None, "the third number has no limit");
}

#[test]
fn what_is_left_is_split_by_throughput_and_binds_nobody_while_it_suffices() {
    let limited = portfolio(DailyLimit::Users(100), 0, &[1, 2]);
    let audience = "a".parse().expect("an id");
    let quota = Quota::of(&[limited], &[], Ask { run: None, audience: &audience, opens_at: SIX });
    let quotas = |recipients| {
        let mut senders = senders(&[80, 240, 80]);
        quota.share(recipients, &mut senders);
        senders.into_iter().map(|sender| sender.quota).collect::<Vec<_>>()
    };
    assert_eq!(quotas(101), [Some(25), Some(75), None]);
    assert_eq!(quotas(100), [None, None, None]);
}

proptest! {
    #[test]
    fn the_shares_are_exactly_what_is_left(mps in prop::collection::vec(0_u32..1_000, 1..8), limit in 0_u64..100_000) {
        prop_assume!(mps.iter().any(|mps| *mps > 0));
        let numbers: Vec<u64> = (1..=mps.len() as u64).collect();
        let audience = "a".parse().expect("an id");
        let ask = Ask { run: None, audience: &audience, opens_at: SIX };
        let quota = Quota::of(&[portfolio(DailyLimit::Users(limit), 0, &numbers)], &[], ask);
        let mut senders = senders(&mps);
        quota.share(limit + 1, &mut senders);
        prop_assert_eq!(senders.iter().filter_map(|sender| sender.quota).sum::<u64>(), limit);
    }
}
