//! The ledger's bytes: a header and one fixed-width record per delivery, little-endian. The same tables stand in
//! `docs/ARCHITECTURE.md` and, for scripts, in `ledger.lua`.

use dawncast_core::{
    UnixMs,
    campaign::Choice,
    delivery::{Outcome, Outcomes, Record, Terms},
};

use crate::ServerId;

/// The format that this version writes.
pub(crate) const VERSION: u8 = 1;
/// Bytes of the header.
pub(crate) const HEADER: usize = 64;
/// Bytes of a record.
pub(crate) const WIDTH: usize = 32;

/// Up to here every whole number is a double.
const EXACT: f64 = (1_i64 << f64::MANTISSA_DIGITS) as f64;

/// The page's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The page is finished: nothing in it is left to do.
    pub finished: bool,
    /// How many deliveries it holds.
    pub count: u16,
    /// The fencing token: how often the page was claimed.
    pub epoch: u32,
    /// The present owner's mark; zero before the first.
    pub nonce: [u8; 8],
    /// Rises with every change that its owner did not make.
    pub version: u32,
    /// What the ledger knows of the campaign.
    pub terms: Terms,
    /// The home number: its place in the run's table.
    pub home: u16,
    /// All times of the page are kept as milliseconds after this moment.
    pub base: UnixMs,
    /// When its first delivery is due.
    pub first_due: UnixMs,
    /// The server on which its owners have worked; the script that writes it fills it in.
    pub server: ServerId,
    /// Until then attempts may have been begun that this ledger has lost; none when nothing was ever lost.
    pub doubt: Option<UnixMs>,
    /// Which of the campaign's messages its deliveries get.
    pub message: Choice,
}

/// A cursor over little-endian fields.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }
    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
    /// Scripts reckon in doubles; milliseconds are exact in them for 285,000 years. Nobody wrote what lies beyond.
    fn moment(&mut self) -> Option<UnixMs> {
        let at = f64::from_le_bytes(self.take()?);
        (at.abs() <= EXACT).then_some(at as UnixMs)
    }
}

/// Times in a record are milliseconds after the base, plus one: zero is unknown.
fn to_offset(at: Option<UnixMs>, base: UnixMs) -> u32 {
    at.map_or(0, |at| (at - base + 1).clamp(1, i64::from(u32::MAX)) as u32)
}

fn from_offset(offset: u32, base: UnixMs) -> Option<UnixMs> {
    (offset != 0).then(|| base + i64::from(offset) - 1)
}

impl Header {
    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([VERSION, u8::from(self.finished)]);
        out.extend(self.count.to_le_bytes());
        out.extend(self.epoch.to_le_bytes());
        out.extend(self.nonce);
        out.extend(self.version.to_le_bytes());
        out.extend([self.terms.max_attempts, self.terms.counts as u8]);
        out.extend(self.home.to_le_bytes());
        for moment in [self.base, self.terms.deadline, self.first_due] {
            out.extend((moment as f64).to_le_bytes());
        }
        out.extend(self.server.0);
        out.extend(to_offset(self.doubt, self.base).to_le_bytes());
        out.push(self.message.code());
        out.resize(start + HEADER, 0);
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader(bytes.get(..HEADER)?);
        if fields.u8()? != VERSION {
            return None;
        }
        let finished = fields.u8()? != 0;
        let (count, epoch, nonce, version) = (fields.u16()?, fields.u32()?, fields.take()?, fields.u32()?);
        let (max_attempts, counts, home) = (fields.u8()?, Outcome::from_code(fields.u8()?)?, fields.u16()?);
        let (base, deadline, first_due) = (fields.moment()?, fields.moment()?, fields.moment()?);
        let (server, doubt) = (ServerId(fields.take()?), from_offset(fields.u32()?, base));
        let message = Choice::from_code(fields.u8()?)?;
        let terms = Terms { max_attempts, counts, deadline };
        Some(Self { finished, count, epoch, nonce, version, terms, home, base, first_due, server, doubt, message })
    }
}

fn write_record(record: &Record, base: UnixMs, out: &mut Vec<u8>) {
    out.extend(record.outcomes.word().to_le_bytes());
    out.extend([record.within, record.throttled, record.number, record.ids]);
    out.extend(record.code.to_le_bytes());
    for at in [record.first_begun, record.last_begun, record.sent_at, record.delivered_at, record.read_at] {
        out.extend(to_offset(at, base).to_le_bytes());
    }
}

fn read_record(bytes: &[u8], base: UnixMs) -> Option<Record> {
    let mut fields = Reader(bytes);
    Some(Record {
        outcomes: Outcomes::from_word(fields.u32()?)?,
        within: fields.u8()?,
        throttled: fields.u8()?,
        number: fields.u8()?,
        ids: fields.u8()?,
        code: fields.u32()?,
        first_begun: from_offset(fields.u32()?, base),
        last_begun: from_offset(fields.u32()?, base),
        sent_at: from_offset(fields.u32()?, base),
        delivered_at: from_offset(fields.u32()?, base),
        read_at: from_offset(fields.u32()?, base),
    })
}

/// A whole ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Its header.
    pub header: Header,
    /// A record per delivery.
    pub records: Vec<Record>,
}

impl Ledger {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + WIDTH * self.records.len());
        self.header.write(&mut out);
        self.records.iter().for_each(|record| write_record(record, self.header.base, &mut out));
        out
    }

    /// Reads stored bytes; none when another version, or nobody, wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let header = Header::read(bytes)?;
        let body = bytes.get(HEADER..)?;
        if body.len() != WIDTH * usize::from(header.count) {
            return None;
        }
        let records = body.chunks_exact(WIDTH).map(|chunk| read_record(chunk, header.base)).collect::<Option<_>>()?;
        Some(Self { header, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_reads_back_as_written() {
        let terms = Terms { max_attempts: 3, counts: Outcome::Sent, deadline: 1_790_000_300_000 };
        let header = Header {
            finished: true,
            count: 2,
            epoch: 7,
            nonce: *b"01234567",
            version: 9,
            terms,
            home: 2,
            base: 1_790_000_000_000,
            first_due: 1_790_000_000_500,
            server: ServerId(*b"abcdefgh"),
            doubt: Some(1_790_000_002_000),
            message: Choice::FALLBACK,
        };
        let mut record = Record::default();
        record.begin(1, 2, 1_790_000_000_501);
        record.sent_at = Some(1_790_000_001_000);
        record.code = 1_752_041;
        let ledger = Ledger { header, records: vec![Record::default(), record] };
        let bytes = ledger.to_bytes();
        assert_eq!(bytes.len(), 64 + 2 * 32);
        assert_eq!(Ledger::from_bytes(&bytes), Some(ledger));
    }

    #[test]
    fn the_header_says_in_byte_60_which_message_and_no_other_number_than_known_ones() {
        let mut bytes = vec![0; HEADER];
        (bytes[0], bytes[21]) = (VERSION, Outcome::Sent as u8);
        let message = |bytes: &[u8]| Header::read(bytes).map(|header| header.message);
        assert_eq!(message(&bytes), Some(Choice::OWN), "an earlier version has left it zero");
        bytes[60] = 1;
        assert_eq!(message(&bytes), Some(Choice::FALLBACK));
        bytes[60] = Choice::MOST as u8;
        assert_eq!(message(&bytes), None);
    }

    #[test]
    fn another_version_or_a_torn_ledger_is_refused() {
        assert_eq!(Ledger::from_bytes(&[]), None);
        let mut bytes = vec![0; 64];
        bytes[0] = 2;
        assert_eq!(Ledger::from_bytes(&bytes), None);
    }
}
