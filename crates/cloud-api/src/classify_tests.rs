use super::*;

/// Every code and range that Meta documents for WhatsApp or that was observed, written down apart from the table.
const SINGLES: &[i64] = &[
    0, 1, 2, 3, 4, 10, 33, 100, 102, 104, 190, 368, 613, 803, 1005, 80007, 130403, 130429, 130472, 130497, 131000,
    131005, 131008, 131009, 131014, 131016, 131020, 131021, 131026, 131030, 131031, 131037, 131041, 131042, 131044,
    131045, 131047, 131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131059, 131060, 131062,
    131063, 131064, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 132069, 133000,
    133004, 133005, 133006, 133008, 133009, 133010, 133015, 133016, 134011, 134100, 134101, 134102, 134103, 135000,
    137000, 139100, 139101, 139102, 139103, 139200, 141002, 1_752_041, 2_388_001, 2_388_012, 2_388_019, 2_388_023,
    2_388_024, 2_388_039, 2_388_040, 2_388_047, 2_388_060, 2_388_072, 2_388_073, 2_388_091, 2_388_093, 2_388_103,
    2_388_293, 2_388_299, 2_388_318, 2_388_330, 2_494_100, 2_593_079, 2_593_085, 2_593_107, 2_593_108,
];
const RANGES: &[(i64, i64)] =
    &[(200, 299), (131_200, 131_299), (138_000, 138_018), (139_000, 139_004), (147_001, 147_005), (200_005, 200_007)];

#[test]
fn every_known_code_is_listed_and_nothing_else() {
    let known = SINGLES.iter().copied().chain(RANGES.iter().flat_map(|&(first, last)| first..=last));
    let mut count = 0;
    for code in known {
        assert!(ErrorEntry::of(code).is_some(), "{code} is missing");
        count += 1;
    }
    let listed: usize = ErrorEntry::table().iter().map(|entry| entry.codes().count()).sum();
    assert_eq!(listed, count);
}

#[test]
fn the_table_is_sorted_and_no_code_is_listed_twice() {
    for pair in ErrorEntry::table().windows(2) {
        assert!(pair[0].first <= pair[0].last && pair[0].last < pair[1].first, "{:?} and {:?}", pair[0], pair[1]);
    }
}

#[test]
fn every_row_tells_a_person_something() {
    for entry in ErrorEntry::table() {
        assert!(entry.hint().len() > 20 && entry.hint().ends_with('.'), "{entry:?}");
    }
}

#[test]
fn a_failed_status_is_never_ambiguous() {
    for entry in ErrorEntry::table().iter().chain([&UNLISTED_FAULT, &UNLISTED_FAILURE]) {
        assert_ne!(entry.class(Way::Webhook), Class::Ambiguous, "{entry:?}");
    }
}

#[test]
fn throttles_are_told_by_code_whatever_the_http_status() {
    let throttles = ErrorEntry::table().iter().filter(|entry| entry.is_throttle()).flat_map(ErrorEntry::codes);
    assert_eq!(throttles.collect::<Vec<_>>(), [4, 613, 80007, 130_429, 131_048, 131_056, 133_016]);
    assert!(is_throttle(Some(130_429), Some(400)));
    assert!(!is_throttle(Some(190), Some(429)), "the code outranks the status");
    assert!(is_throttle(None, Some(429)));
    assert!(!is_throttle(None, Some(400)));
}

fn check(code: impl Into<Option<i64>>, way: Way, status: impl Into<Option<u16>>, class: Class, scope: Scope) {
    let entry = classify(code.into(), way, status.into());
    assert_eq!((entry.class(way), entry.scope()), (class, scope), "{entry:?}");
}

#[test]
fn throttles_name_what_is_throttled() {
    check(130_429, Way::Response, 400, Class::RetrySoon, Scope::Number);
    check(131_056, Way::Response, 400, Class::RetrySoon, Scope::Pair);
    check(80007, Way::Response, 400, Class::RetryLater, Scope::Waba);
    check(4, Way::Response, 400, Class::RetryLater, Scope::App);
    check(131_048, Way::Webhook, None, Class::PauseNumber, Scope::Account);
}

#[test]
fn a_server_fault_is_ambiguous_in_the_response_and_certain_in_a_webhook() {
    for code in [1, 2, 131_000, 131_016] {
        check(code, Way::Response, 500, Class::Ambiguous, Scope::Message);
        check(code, Way::Webhook, None, Class::RetrySoon, Scope::Message);
    }
}

#[test]
fn a_permission_code_between_two_hundred_and_three_hundred_is_configuration() {
    check(200, Way::Response, 403, Class::FatalConfig, Scope::Account);
    check(299, Way::Response, 403, Class::FatalConfig, Scope::Account);
    assert_eq!((ErrorEntry::of(199), ErrorEntry::of(300)), (None, None));
}

#[test]
fn an_unlisted_code_is_judged_by_its_http_status() {
    check(999_999, Way::Response, 400, Class::PermanentMessage, Scope::Message);
    check(999_999, Way::Response, 403, Class::FatalConfig, Scope::Account);
    check(999_999, Way::Response, 429, Class::RetrySoon, Scope::Number);
    check(999_999, Way::Response, 500, Class::Ambiguous, Scope::Message);
    check(-1, Way::Response, None, Class::Ambiguous, Scope::Message);
    check(999_999, Way::Webhook, None, Class::PermanentMessage, Scope::Message);
}

#[test]
fn without_a_code_the_http_status_decides() {
    check(None, Way::Response, 401, Class::RetrySoon, Scope::Account);
    check(None, Way::Response, 429, Class::RetrySoon, Scope::Number);
    check(None, Way::Response, 404, Class::PermanentMessage, Scope::Message);
    check(None, Way::Response, 503, Class::Ambiguous, Scope::Message);
    check(None, Way::Webhook, None, Class::PermanentMessage, Scope::Message);
}

#[test]
fn class_names_are_distinct() {
    let names: std::collections::BTreeSet<_> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(names.len(), Class::ALL.len());
}
