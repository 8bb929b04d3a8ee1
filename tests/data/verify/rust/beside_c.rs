// The same functions in Rust as some of tests/data/verify/safe in C (named so), written before anything was changed for them.
#![no_std]
include!("handler.rs");

fn hex_digit(c: u8) -> Option<u8> {
    match c { b'0'..=b'9' => Some(c - b'0'), b'a'..=b'f' => Some(c - b'a' + 10), b'A'..=b'F' => Some(c - b'A' + 10), _ => None }
}
handler!(url_decode, a, o, {
    let mut n = 0;
    let mut i = 0;
    while i < a.len() {
        let mut c = a[i];
        if c == b'+' { c = b' '; }
        else if c == b'%' {
            if i + 2 >= a.len() { return -1; }
            match (hex_digit(a[i + 1]), hex_digit(a[i + 2])) { (Some(h), Some(l)) => c = h << 4 | l, _ => return -1 }
            i += 2;
        }
        if n == o.len() { return -2; }
        o[n] = c;
        n += 1;
        i += 1;
    }
    n as i64
});
static DIGITS: &[u8; 16] = b"0123456789abcdef";
handler!(hexdump, a, o, {
    let mut n = 0;
    for (row, chunk) in a.chunks(16).enumerate() {
        let mut line = [b' '; 80];
        let mut p = 0;
        for s in (0..8).rev() { line[p] = DIGITS[(row * 16) >> (4 * s) & 15]; p += 1; }
        p += 1;
        for i in 0..16 {
            p += 1;
            if let Some(&b) = chunk.get(i) { line[p] = DIGITS[(b >> 4) as usize]; line[p + 1] = DIGITS[(b & 15) as usize]; }
            p += 2;
        }
        p += 1;
        line[p] = b'|';
        p += 1;
        for &c in chunk { line[p] = if (32..127).contains(&c) { c } else { b'.' }; p += 1; }
        line[p] = b'|';
        line[p + 1] = b'\n';
        p += 2;
        if o.len() - n < p { return -1; }
        o[n..n + p].copy_from_slice(&line[..p]);
        n += p;
    }
    n as i64
});
static ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
handler!(base32_bits, a, o, {
    let need = (a.len() + 4) / 5 * 8;
    if need > o.len() { return -1; }
    let (mut acc, mut bits, mut n) = (0u64, 0u32, 0usize);
    for &b in a {
        acc = acc << 8 | b as u64;
        bits += 8;
        while bits >= 5 { bits -= 5; o[n] = ALPHABET[(acc >> bits & 31) as usize]; n += 1; }
    }
    if bits > 0 { o[n] = ALPHABET[(acc << (5 - bits) & 31) as usize]; n += 1; }
    while n % 8 != 0 { o[n] = b'='; n += 1; }
    n as i64
});
handler!(packbits_encode, a, o, {
    let (mut i, mut n) = (0, 0);
    while i < a.len() {
        let mut run = 1;
        while i + run < a.len() && run < 128 && a[i + run] == a[i] { run += 1; }
        if run >= 3 {
            if o.len() - n < 2 { return -1; }
            o[n] = (257 - run) as u8;
            o[n + 1] = a[i];
            n += 2;
            i += run;
            continue;
        }
        let start = i;
        while i < a.len() && i - start < 128 {
            if i + 2 < a.len() && a[i] == a[i + 1] && a[i] == a[i + 2] { break; }
            i += 1;
        }
        let k = i - start;
        if o.len() - n < k + 1 { return -1; }
        o[n] = (k as u8).wrapping_sub(1);
        o[n + 1..n + 1 + k].copy_from_slice(&a[start..i]);
        n += k + 1;
    }
    n as i64
});
fn load(p: &[u8]) -> u32 { u32::from_be_bytes([p[0], p[1], p[2], p[3]]) }
handler!(xtea_cbc, a, o, {
    if a.len() < 24 { return -1; }
    let (head, text) = a.split_at(24);
    let key = [load(&head[0..4]), load(&head[4..8]), load(&head[8..12]), load(&head[12..16])];
    let (mut x, mut y) = (load(&head[16..20]), load(&head[20..24]));
    let padded = (text.len() / 8 + 1) * 8;
    if padded > o.len() { return -2; }
    let mut at = 0;
    while at < padded {
        let rest = if at < text.len() { &text[at..] } else { &[] };
        let n = rest.len().min(8);
        let mut block = [(8 - n) as u8; 8];
        block[..n].copy_from_slice(&rest[..n]);
        x ^= load(&block[0..4]);
        y ^= load(&block[4..8]);
        let mut sum = 0u32;
        for _ in 0..32 {
            x = x.wrapping_add(((y << 4 ^ y >> 5).wrapping_add(y)) ^ sum.wrapping_add(key[(sum & 3) as usize]));
            sum = sum.wrapping_add(0x9e3779b9);
            y = y.wrapping_add(((x << 4 ^ x >> 5).wrapping_add(x)) ^ sum.wrapping_add(key[(sum >> 11 & 3) as usize]));
        }
        o[at..at + 4].copy_from_slice(&x.to_be_bytes());
        o[at + 4..at + 8].copy_from_slice(&y.to_be_bytes());
        at += 8;
    }
    padded as i64
});
fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]); v[1] = v[1].rotate_left(13) ^ v[0]; v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]); v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]); v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]); v[1] = v[1].rotate_left(17) ^ v[2]; v[2] = v[2].rotate_left(32);
}
fn load64(p: &[u8]) -> u64 { let mut v = 0; for i in (0..8).rev() { v = v << 8 | p[i] as u64; } v }
handler!(siphash, a, o, {
    if a.len() < 16 || o.len() < 8 { return -1; }
    let (k0, k1) = (load64(&a[0..8]), load64(&a[8..16]));
    let mut v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573];
    let m = &a[16..];
    let mut last = (m.len() as u64) << 56;
    for c in m.chunks(8) {
        if c.len() == 8 {
            let w = load64(c);
            v[3] ^= w;
            sip_round(&mut v); sip_round(&mut v);
            v[0] ^= w;
        } else {
            for (i, &b) in c.iter().enumerate() { last |= (b as u64) << (8 * i); }
        }
    }
    v[3] ^= last;
    sip_round(&mut v); sip_round(&mut v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for _ in 0..4 { sip_round(&mut v); }
    let h = v[0] ^ v[1] ^ v[2] ^ v[3];
    o[..8].copy_from_slice(&h.to_le_bytes());
    8
});
fn sift_down(a: &mut [u32], mut root: usize) {
    while 2 * root + 1 < a.len() {
        let mut child = 2 * root + 1;
        if child + 1 < a.len() && a[child] < a[child + 1] { child += 1; }
        if a[root] >= a[child] { return; }
        a.swap(root, child);
        root = child;
    }
}
handler!(heap_sort, a, o, {
    let n = a.len() / 4;
    if n > 1024 || n * 4 > o.len() { return -1; }
    let mut heap = [0u32; 1024];
    for i in 0..n { heap[i] = u32::from_le_bytes([a[4 * i], a[4 * i + 1], a[4 * i + 2], a[4 * i + 3]]); }
    let h = &mut heap[..n];
    for i in (0..n / 2).rev() { sift_down(h, i); }
    for end in (1..n).rev() { h.swap(0, end); sift_down(&mut h[..end], 0); }
    for i in 0..n { o[4 * i..4 * i + 4].copy_from_slice(&h[i].to_le_bytes()); }
    (n * 4) as i64
});
handler!(matmul_bytes, a, o, {
    if a.is_empty() { return -1; }
    let n = a[0] as usize;
    if n == 0 || n > 64 { return -2; }
    if a.len() != 1 + 2 * n * n { return -3; }
    if o.len() < 4 * n * n { return -4; }
    let (x, y) = a[1..].split_at(n * n);
    for i in 0..n {
        for j in 0..n {
            let mut sum = 0i32;
            for k in 0..n { sum += x[i * n + k] as i8 as i32 * y[k * n + j] as i8 as i32; }
            let at = 4 * (i * n + j);
            o[at..at + 4].copy_from_slice(&sum.to_le_bytes());
        }
    }
    (4 * n * n) as i64
});
fn field<'a>(p: &'a [u8], c: u8) -> Option<(&'a [u8], &'a [u8])> {
    let n = p.iter().position(|&b| b == c)?;
    Some((&p[..n], &p[n + 1..]))
}
handler!(http_request, a, o, {
    let mut host: &[u8] = &[];
    let (line, mut rest) = match field(a, b'\n') { Some(x) => x, None => return -1 };
    let (method, line) = match field(line, b' ') { Some(x) => x, None => return -2 };
    if method.len() > 7 { return -2; }
    let path = match field(line, b' ') { Some(x) => x.0, None => line };
    if path.is_empty() || path[0] != b'/' { return -3; }
    while !rest.is_empty() {
        let (l, next) = match field(rest, b'\n') { Some(x) => x, None => return -4 };
        rest = next;
        let l = match l { [h @ .., b'\r'] => h, h => h };
        if l.is_empty() { break; }
        let (name, mut value) = match field(l, b':') { Some(x) => x, None => return -5 };
        while let [b' ', v @ ..] = value { value = v; }
        if name.eq_ignore_ascii_case(b"host") { host = value; }
    }
    let n = host.len() + path.len() + 2;
    if n > o.len() { return -6; }
    o[..host.len()].copy_from_slice(host);
    o[host.len()] = b'\n';
    o[host.len() + 1..n - 1].copy_from_slice(path);
    o[n - 1] = b'\n';
    n as i64
});
handler!(utf16_to_utf8, a, o, {
    if a.len() % 2 != 0 { return -1; }
    let (mut i, mut n) = (0, 0);
    while i < a.len() {
        let mut c = (a[i + 1] as u32) << 8 | a[i] as u32;
        i += 2;
        if (0xd800..0xdc00).contains(&c) {
            if i >= a.len() { return -2; }
            let d = (a[i + 1] as u32) << 8 | a[i] as u32;
            if !(0xdc00..0xe000).contains(&d) { return -3; }
            i += 2;
            c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
        } else if (0xdc00..0xe000).contains(&c) { return -4; }
        let mut buf = [0u8; 4];
        let k = if c < 0x80 { buf[0] = c as u8; 1 }
        else if c < 0x800 { buf[0] = 0xc0 | (c >> 6) as u8; buf[1] = 0x80 | (c & 63) as u8; 2 }
        else if c < 0x10000 { buf[0] = 0xe0 | (c >> 12) as u8; buf[1] = 0x80 | (c >> 6 & 63) as u8; buf[2] = 0x80 | (c & 63) as u8; 3 }
        else { buf[0] = 0xf0 | (c >> 18) as u8; buf[1] = 0x80 | (c >> 12 & 63) as u8; buf[2] = 0x80 | (c >> 6 & 63) as u8; buf[3] = 0x80 | (c & 63) as u8; 4 };
        if n + k > o.len() { return -5; }
        o[n..n + k].copy_from_slice(&buf[..k]);
        n += k;
    }
    n as i64
});
handler!(edit_distance, a, o, {
    let split = match a.iter().position(|&b| b == b'\n') { Some(n) => n, None => return -1 };
    let (s, t) = (&a[..split], &a[split + 1..]);
    if s.len() > 256 || t.len() > 256 { return -2; }
    let mut row = [0u32; 257];
    for j in 0..=t.len() { row[j] = j as u32; }
    for i in 1..=s.len() {
        let mut diagonal = row[0];
        row[0] = i as u32;
        for j in 1..=t.len() {
            let best = (diagonal + (s[i - 1] != t[j - 1]) as u32).min(row[j] + 1).min(row[j - 1] + 1);
            diagonal = row[j];
            row[j] = best;
        }
    }
    let mut d = row[t.len()];
    let mut text = [0u8; 12];
    let mut k = 12;
    loop { k -= 1; text[k] = b'0' + (d % 10) as u8; d /= 10; if d == 0 { break; } }
    let n = 12 - k;
    if n > o.len() { return -3; }
    o[..n].copy_from_slice(&text[k..]);
    n as i64
});
fn leap(y: u32) -> bool { (y % 4 == 0 && y % 100 != 0) || y % 400 == 0 }
handler!(iso_date, a, o, {
    if a.is_empty() || a.len() > 11 || o.len() < 20 { return -1; }
    let mut t = 0u64;
    for &c in a { if !c.is_ascii_digit() { return -2; } t = t * 10 + (c - b'0') as u64; }
    let (second, minute, hour) = ((t % 60) as u32, (t / 60 % 60) as u32, (t / 3600 % 24) as u32);
    let (mut days, mut year) = ((t / 86400) as u32, 1970u32);
    loop { let n = if leap(year) { 366 } else { 365 }; if days < n { break; } days -= n; year += 1; }
    let mut month = 0;
    for (i, &m) in [31u32, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].iter().enumerate() {
        let m = m + (i == 1 && leap(year)) as u32;
        if days < m { break; }
        days -= m;
        month += 1;
    }
    if year > 9999 { return -3; }
    let parts = [year / 100, year % 100, month + 1, days + 1, hour, minute, second];
    let marks = *b" --T::Z";
    let mut p = 0;
    for i in 0..7 {
        o[p] = b'0' + (parts[i] / 10) as u8;
        o[p + 1] = b'0' + (parts[i] % 10) as u8;
        p += 2;
        if i > 0 { o[p] = marks[i]; p += 1; }
    }
    p as i64
});
handler!(lzss_decode, a, o, {
    let mut ring = [b' '; 4096];
    let (mut i, mut n, mut r, mut flags) = (0usize, 0usize, 4096 - 18usize, 0u32);
    loop {
        flags >>= 1;
        if flags & 0x100 == 0 {
            if i >= a.len() { break; }
            flags = a[i] as u32 | 0xff00;
            i += 1;
        }
        if flags & 1 != 0 {
            if i >= a.len() { break; }
            let c = a[i];
            i += 1;
            if n >= o.len() { return -1; }
            o[n] = c;
            n += 1;
            ring[r] = c;
            r = (r + 1) & 4095;
        } else {
            if i + 1 >= a.len() { break; }
            let at = a[i] as usize | (a[i + 1] as usize & 0xf0) << 4;
            let len = (a[i + 1] & 15) as usize + 3;
            i += 2;
            for k in 0..len {
                let c = ring[(at + k) & 4095];
                if n >= o.len() { return -1; }
                o[n] = c;
                n += 1;
                ring[r] = c;
                r = (r + 1) & 4095;
            }
        }
    }
    n as i64
});
handler!(rc4, a, o, {
    if a.len() < 2 { return -1; }
    let len = a[0] as usize;
    if len == 0 || a.len() < 1 + len { return -2; }
    let (key, text) = a[1..].split_at(len);
    if text.len() > o.len() { return -3; }
    let mut s = [0u8; 256];
    for i in 0..256 { s[i] = i as u8; }
    let mut j = 0usize;
    for i in 0..256 { j = (j + s[i] as usize + key[i % len] as usize) & 255; s.swap(i, j); }
    let (mut i, mut j) = (0u8, 0u8);
    for (d, &c) in o.iter_mut().zip(text) {
        i = i.wrapping_add(1);
        j = j.wrapping_add(s[i as usize]);
        s.swap(i as usize, j as usize);
        *d = c ^ s[s[i as usize].wrapping_add(s[j as usize]) as usize];
    }
    text.len() as i64
});
handler!(dijkstra_bytes, a, o, {
    const N: usize = 64;
    const FAR: u16 = 0xffff;
    if o.len() < 2 * N || a.len() % 3 != 0 { return -1; }
    let mut weight = [[FAR; N]; N];
    for e in a.chunks_exact(3) {
        if e[0] as usize >= N || e[1] as usize >= N { return -2; }
        weight[e[0] as usize][e[1] as usize] = e[2] as u16;
    }
    let mut dist = [FAR; N];
    let mut done = [false; N];
    dist[0] = 0;
    for _ in 0..N {
        let mut u = None;
        for i in 0..N {
            if !done[i] && dist[i] != FAR && u.map_or(true, |k: usize| dist[i] < dist[k]) { u = Some(i); }
        }
        let u = match u { Some(u) => u, None => break };
        done[u] = true;
        for v in 0..N {
            let w = weight[u][v];
            if w != FAR && dist[u] as u32 + (w as u32) < dist[v] as u32 { dist[v] = dist[u] + w; }
        }
    }
    for i in 0..N { o[2 * i..2 * i + 2].copy_from_slice(&dist[i].to_be_bytes()); }
    2 * N as i64
});
