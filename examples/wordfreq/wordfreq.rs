// Word frequencies of standard input, most frequent first: a plain WASI command, made by Debian's
// Rust. Nothing in it knows of vireo. The first argument, or ?top=N over HTTP, says how many words.

use std::collections::HashMap;
use std::env;
use std::io::{self, Read, Write};
use std::process::ExitCode;

const TOP_DEFAULT: usize = 10;
const TOP_MAX: usize = 10_000;

/// How many words are wanted; None when that is not said properly.
fn wanted(http: bool) -> Option<usize> {
    let text = if http {
        match env::var("QUERY_STRING") {
            Ok(query) if !query.is_empty() => query.strip_prefix("top=")?.to_string(),
            _ => return Some(TOP_DEFAULT),
        }
    } else {
        match env::args().nth(1) {
            Some(argument) => argument,
            None => return Some(TOP_DEFAULT),
        }
    };
    text.parse().ok().filter(|top| (1..=TOP_MAX).contains(top))
}

/// Words are runs of letters, with apostrophes inside them, in lower case.
fn count(text: &str) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for word in text.split(|c: char| !c.is_alphabetic() && c != '\'' && c != '’') {
        let word = word.trim_matches(|c| c == '\'' || c == '’');
        if !word.is_empty() {
            *counts.entry(word.to_lowercase()).or_insert(0) += 1;
        }
    }
    counts
}

/// Writes an error where its reader looks: an HTTP status, or standard error.
fn refuse(http: bool, message: &str) -> ExitCode {
    if http {
        print!("Status: 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n{message}\n");
        return ExitCode::SUCCESS;
    }
    eprintln!("wordfreq: {message}");
    ExitCode::FAILURE
}

fn report(http: bool, top: usize, counts: HashMap<String, u64>) -> io::Result<()> {
    let total: u64 = counts.values().sum();
    let different = counts.len();
    let mut words: Vec<(String, u64)> = counts.into_iter().collect();
    // Equal counts in the order of the alphabet: the same text gives the same answer.
    words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));

    let mut out = io::BufWriter::new(io::stdout().lock());
    if http {
        write!(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n")?;
    }
    writeln!(out, "{total} words, {different} different")?;
    for (word, count) in words.iter().take(top) {
        writeln!(out, "{count:7} {word}")?;
    }
    out.flush()
}

fn main() -> ExitCode {
    let http = env::var_os("GATEWAY_INTERFACE").is_some();
    let top = match wanted(http) {
        Some(top) => top,
        None => return refuse(http, "the number of words is from 1 to 10000"),
    };
    let mut text = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut text) {
        return refuse(http, &format!("cannot read the text: {error}"));
    }
    let text = match String::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            return refuse(http, &format!("cannot read the text: byte {at} is not UTF-8"));
        }
    };
    match report(http, top, count(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
