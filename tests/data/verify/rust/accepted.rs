// Functions that are proved: compiled with -O, without vectors.
#![no_std]
include!("handler.rs");

handler!(crc32, a, _o, {
    let mut c = 0xffff_ffffu32;
    for &b in a { c ^= b as u32; for _ in 0..8 { c = if c & 1 != 0 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 }; } }
    (!c) as i64
});
static HEX: [u8; 16] = *b"0123456789abcdef";
handler!(hex, a, o, {
    if o.len() / 2 < a.len() { return -1; }
    for (i, &b) in a.iter().enumerate() { o[2 * i] = HEX[(b >> 4) as usize]; o[2 * i + 1] = HEX[(b & 15) as usize]; }
    2 * a.len() as i64
});
handler!(unhex, a, o, {
    let mut n = 0;
    let mut i = 0;
    while i + 1 < a.len() {
        let h = match a[i] { c @ b'0'..=b'9' => c - b'0', c @ b'a'..=b'f' => c - b'a' + 10, _ => return -1 };
        let l = match a[i + 1] { c @ b'0'..=b'9' => c - b'0', c @ b'a'..=b'f' => c - b'a' + 10, _ => return -1 };
        if n >= o.len() { return -2; }
        o[n] = h << 4 | l; n += 1; i += 2;
    }
    n as i64
});
handler!(histogram, a, o, {
    let mut h = [0u32; 256];
    for &b in a { h[b as usize] += 1; }
    let mut best = 0usize;
    for i in 0..256 { if h[i] > h[best] { best = i; } }
    if let Some(x) = o.first_mut() { *x = best as u8; 1 } else { 0 }
});
handler!(reverse, a, o, {
    if o.len() < a.len() { return -1; }
    let n = a.len();
    for i in 0..n { o[n - 1 - i] = a[i]; }
    n as i64
});
handler!(sort, a, o, {
    if o.len() < a.len() { return -1; }
    let n = a.len();
    for i in 0..n { o[i] = a[i]; }
    for i in 1..n { let x = o[i]; let mut j = i; while j > 0 && o[j - 1] > x { o[j] = o[j - 1]; j -= 1; } o[j] = x; }
    n as i64
});
handler!(rle, a, o, {
    let mut i = 0; let mut n = 0;
    while i < a.len() {
        let b = a[i]; let mut r = 1usize;
        while i + r < a.len() && a[i + r] == b && r < 255 { r += 1; }
        if n + 2 > o.len() { return -1; }
        o[n] = r as u8; o[n + 1] = b; n += 2; i += r;
    }
    n as i64
});
handler!(utf8, a, _o, {
    let mut i = 0; let mut n = 0i64;
    while i < a.len() {
        let b = a[i];
        let k = if b < 0x80 { 1 } else if b & 0xe0 == 0xc0 { 2 } else if b & 0xf0 == 0xe0 { 3 } else if b & 0xf8 == 0xf0 { 4 } else { return -1 };
        if a.len() - i < k { return -1; }
        for j in 1..k { if a[i + j] & 0xc0 != 0x80 { return -1; } }
        i += k; n += 1;
    }
    n
});
handler!(parse_u32, a, _o, {
    let mut v: u32 = 0;
    for &c in a { if !(b'0'..=b'9').contains(&c) { return -1; } v = match v.checked_mul(10).and_then(|v| v.checked_add((c - b'0') as u32)) { Some(v) => v, None => return -2 }; }
    v as i64
});
handler!(varint, a, _o, {
    let mut v = 0u64; let mut s = 0u32;
    for &b in a { if s > 56 { return -1; } v |= ((b & 0x7f) as u64) << s; if b & 0x80 == 0 { return (v >> 1) as i64; } s += 7; }
    -1
});
handler!(adler, a, _o, {
    let (mut x, mut y) = (1u32, 0u32);
    for &b in a { x = (x + b as u32) % 65521; y = (y + x) % 65521; }
    (y << 16 | x) as i64
});
handler!(words, a, _o, {
    let mut n = 0i64; let mut inside = false;
    for &b in a { let space = b == b' ' || b == b'\n'; if !space && !inside { n += 1; } inside = !space; }
    n
});
handler!(base64, a, o, {
    const T: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if a.len() > 1 << 20 || o.len() < (a.len() + 2) / 3 * 4 { return -1; }
    let mut n = 0; let mut i = 0;
    while i + 3 <= a.len() {
        let w = (a[i] as u32) << 16 | (a[i + 1] as u32) << 8 | a[i + 2] as u32;
        o[n] = T[(w >> 18) as usize & 63]; o[n + 1] = T[(w >> 12) as usize & 63]; o[n + 2] = T[(w >> 6) as usize & 63]; o[n + 3] = T[w as usize & 63];
        n += 4; i += 3;
    }
    n as i64
});
struct Ring { buf: [u8; 32], head: usize, len: usize }
impl Ring { fn push(&mut self, b: u8) -> bool { if self.len == 32 { return false; } let at = (self.head + self.len) % 32; self.buf[at] = b; self.len += 1; true }
 fn pop(&mut self) -> Option<u8> { if self.len == 0 { return None; } let b = self.buf[self.head]; self.head = (self.head + 1) % 32; self.len -= 1; Some(b) } }
handler!(ring, a, o, {
    let mut r = Ring { buf: [0; 32], head: 0, len: 0 };
    let mut n = 0;
    for &b in a { if !r.push(b) { if let Some(x) = r.pop() { if n < o.len() { o[n] = x; n += 1; } } } }
    n as i64
});
handler!(matrix, a, _o, {
    let mut m = [[0i32; 8]; 8];
    if a.len() < 64 { return -1; }
    for i in 0..8 { for j in 0..8 { m[i][j] = a[8 * i + j] as i32; } }
    let mut t = 0i32;
    for i in 0..8 { for j in 0..8 { let mut s = 0i32; for k in 0..8 { s += m[i][k] * m[k][j]; } t = t.wrapping_add(s); } }
    t as i64
});
handler!(binary_search, a, _o, {
    if a.is_empty() { return -1; }
    let key = a[0]; let (mut lo, mut hi) = (0usize, a.len());
    while lo < hi { let mid = lo + (hi - lo) / 2; if a[mid] < key { lo = mid + 1; } else { hi = mid; } }
    lo as i64
});
handler!(fnv, a, _o, { a.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, &b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3)) as i64 });
handler!(tlv, a, _o, {
    let mut i = 0usize; let mut n = 0i64;
    while a.len() - i >= 2 { let l = a[i + 1] as usize; if a.len() - i - 2 < l { return -1; } for b in &a[i + 2..i + 2 + l] { n += *b as i64; } i += 2 + l; }
    n
});
handler!(gcd, a, _o, {
    if a.len() < 2 { return 0; }
    let (mut x, mut y) = (a[0], a[1]);
    while y != 0 { let t = x % y; x = y; y = t; }
    x as i64
});
handler!(copy, a, o, { let n = a.len().min(o.len()); o[..n].copy_from_slice(&a[..n]); n as i64 });
handler!(checksum16, a, _o, {
    let mut s = 0u32;
    for c in a.chunks(2) { s += (c[0] as u32) << 8 | *c.get(1).unwrap_or(&0) as u32; s = (s & 0xffff) + (s >> 16); }
    (!s & 0xffff) as i64
});
handler!(bits, a, _o, { let mut n = 0i64; for b in a { n += b.count_ones() as i64; } n });
