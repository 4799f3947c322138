//! Made-up recipients and pictures. Nobody's: the names are common and the phones drawn at random.

use std::{collections::HashSet, io::Write};

use flate2::{Compression, Crc, write::ZlibEncoder};
use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};

const FIRST_NAMES: [&str; 32] = [
    "Aarav", "Aditi", "Ananya", "Arjun", "Asha", "Chitra", "Deepak", "Divya", "Farhan", "Gauri", "Harish", "Isha",
    "Jaya", "Karan", "Kavya", "Lakshmi", "Manoj", "Meera", "Mohan", "Nandini", "Neha", "Omkar", "Pooja", "Priya",
    "Rahul", "Ravi", "Sana", "Shreya", "Suresh", "Tara", "Varun", "Zoya",
];

/// Tiers, how many of a hundred recipients each has, and the colour of its picture.
pub(super) const TIERS: [(&str, u32, [u8; 3]); 3] =
    [("pro", 20, [200, 160, 40]), ("standard", 60, [60, 120, 200]), ("basic", 20, [120, 120, 120])];

/// `count` recipients as CSV, no two with the same phone.
pub(super) fn recipients(count: u32, seed: u64) -> String {
    let mut dice = SmallRng::seed_from_u64(seed);
    let mut taken = HashSet::new();
    let mut csv = "id,phone,tier,first_name,image\n".to_owned();
    for place in 1..=count {
        let phone = loop {
            // Indian mobile numbers have ten digits; of those that begin with 9, every one may exist.
            let phone: u64 = dice.random_range(9_000_000_000..10_000_000_000);
            if taken.insert(phone) {
                break phone;
            }
        };
        let tier = tier(dice.random_range(0..100));
        let name = FIRST_NAMES.choose(&mut dice).expect("there are names");
        csv.push_str(&format!("adv-{place:05},+91{phone},{tier},{name},pack_{tier}\n"));
    }
    csv
}

fn tier(drawn: u32) -> &'static str {
    let mut below = 0;
    let found = TIERS.iter().find(|(_, share, _)| {
        below += share;
        drawn < below
    });
    found.map_or("basic", |(tier, ..)| tier)
}

/// A picture in one colour: a PNG of 64 × 64 pixels.
pub(super) fn picture(colour: [u8; 3]) -> Vec<u8> {
    const SIDE: u32 = 64;
    let mut header = [SIDE.to_be_bytes(), SIDE.to_be_bytes()].concat();
    // Eight bits a channel, red-green-blue, the only compression and filter there are, not interlaced.
    header.extend([8, 2, 0, 0, 0]);
    let line: Vec<u8> = std::iter::once(0).chain(colour.repeat(SIDE as usize)).collect();
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = pixels.write_all(&line.repeat(SIDE as usize)).and_then(|()| pixels.finish());
    let packed = packed.expect("a vector takes every byte");
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", header.as_slice()), (b"IDAT", packed.as_slice()), (b"IEND", &[])] {
        png.extend((data.len() as u32).to_be_bytes());
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(data);
        png.extend(kind);
        png.extend(data);
        png.extend(sum.sum().to_be_bytes());
    }
    png
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_as_many_as_asked_distinct_and_the_same_for_the_same_seed() {
        let csv = recipients(500, 7);
        let rows: Vec<_> = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).collect();
        let phones: HashSet<_> = rows.iter().map(|row| row[1]).collect();
        assert_eq!((rows.len(), phones.len()), (500, 500));
        assert!(phones.iter().all(|phone| phone.len() == 13 && phone.starts_with("+91")));
        assert!(
            TIERS.iter().all(|(tier, ..)| rows.iter().any(|row| row[2] == *tier && row[4] == format!("pack_{tier}")))
        );
        assert_eq!(recipients(500, 7), csv);
        assert_ne!(recipients(500, 8), csv);
    }

    #[test]
    fn shares_of_tiers_add_up_to_all() {
        assert_eq!(TIERS.iter().map(|(_, share, _)| share).sum::<u32>(), 100);
        assert_eq!([0, 19, 20, 79, 80, 99].map(tier), ["pro", "pro", "standard", "standard", "basic", "basic"]);
    }

    #[test]
    fn a_picture_is_a_png_whose_sums_are_right() {
        let png = picture([1, 2, 3]);
        let (mut rest, mut kinds) = (&png[8..], Vec::new());
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (body, tail) = tail.split_at(4 + u32::from_be_bytes(*length) as usize);
            let (sum, tail) = tail.split_first_chunk::<4>().unwrap();
            let mut crc = Crc::new();
            crc.update(body);
            assert_eq!(crc.sum().to_be_bytes(), *sum);
            kinds.push(String::from_utf8(body[..4].to_vec()).unwrap());
            rest = tail;
        }
        assert_eq!(kinds, ["IHDR", "IDAT", "IEND"]);
    }
}
