use super::*;

/// The rows of `file` as `line:id` or `line!reason`, or why it cannot be read; whatever pieces it comes in.
fn read(file: &[u8]) -> Result<Vec<String>, String> {
    let whole = read_in_pieces(file, file.len().max(1));
    for size in [1, 2, 3, 7] {
        assert_eq!(read_in_pieces(file, size), whole, "in pieces of {size}");
    }
    whole
}

fn read_in_pieces(file: &[u8], size: usize) -> Result<Vec<String>, String> {
    let rows = crate::imports::read_in_pieces("text/csv", file, size)?;
    Ok(rows.into_iter().map(shown).collect())
}

fn shown(row: Row) -> String {
    match row.recipient {
        Ok(recipient) => format!("{}:{}", row.line, recipient.id.unwrap_or_default()),
        Err(reason) => format!("{}!{reason}", row.line),
    }
}

fn lines(rows: &[&str]) -> Result<Vec<String>, String> {
    Ok(rows.iter().map(|&row| row.to_owned()).collect())
}

#[test]
fn rows_know_their_lines_whatever_ends_them() {
    let rows = ["2:a", "4:b", "6:c"];
    let file = "phone,id\n919876543210,a\n\n919876543211,\"b\"\n\n919876543212,c";
    assert_eq!(read(file.as_bytes()), lines(&rows));
    assert_eq!(read(file.replace('\n', "\r\n").as_bytes()), lines(&rows));
    assert_eq!(read(format!("{file}\n").as_bytes()), lines(&rows));
}

#[test]
fn a_line_break_in_a_field_counts_for_the_rows_after_it() {
    let file = "phone,id,note\n919876543210,a,\"one\ntwo\nthree\"\n919876543211,b,x\n1,c,x\n";
    let short = "6!the phone number has 1 digits: with its country code it has at least 8";
    assert_eq!(read(file.as_bytes()), lines(&["2:a", "5:b", short]));
    let windows = file.replace('\n', "\r\n");
    assert_eq!(read(windows.as_bytes()), lines(&["2:a", "5:b", short]));
}

#[test]
fn a_row_with_a_wrong_number_of_fields_is_refused_alone() {
    let file = "phone,id,tier\n919876543210,a,pro\n919876543211\n919876543212,b,pro,more\n919876543213,c,\n";
    let rows = ["2:a", "3!1 fields where the header has 3", "4!4 fields where the header has 3", "5:c"];
    assert_eq!(read(file.as_bytes()), lines(&rows));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    assert_eq!(read("\u{feff}phone,id\n919876543210,a\n".as_bytes()), lines(&["2:a"]));
}

#[test]
fn a_file_that_cannot_be_an_audience_is_refused_as_a_whole() {
    let check =
        |file: &[u8], why: &str| assert_eq!(read(file), Err(why.to_owned()), "{}", String::from_utf8_lossy(file));
    check(b"", "the file is empty; its first line must name the columns");
    check(b"Phone,name\n1,2\n", "the first line names no column `phone`; it has `Phone`, `name`");
    check(b"phone,,x\n", "column 2 has no name in the first line");
    check(b"phone,x,x\n", "the first line names the column `x` twice");
    check(b"phone,id\n919876543210,a\n919876543211,J\xf6rg\n", "line 3 is not UTF-8; save the file as UTF-8");
}

#[test]
fn a_quote_left_open_ends_the_import_and_not_the_memory() {
    let mut file = b"phone,id\n919876543210,\"a\n".to_vec();
    file.extend(b"919876543211,b\n".repeat(MAX_ROW / 10));
    let why = read_in_pieces(&file, 4096).expect_err("it cannot be read");
    assert_eq!(why, "line 2: the row is longer than 65536 bytes; is a quote left open?");
}

#[test]
fn a_message_can_use_attributes_tier_and_id() {
    let mut parser = CsvParser::new(Scrutiny::Valid);
    parser.feed(b"phone, first_name ,tier,city,consent\n", &mut Vec::new()).expect("a header");
    let columns = parser.end(&mut Vec::new()).expect("a file");
    assert_eq!(columns.into_iter().collect::<Vec<_>>(), ["city", "first_name", "tier"]);
}
