// Functions that may panic, or worse: none may be accepted. Compiled with checks of overflow.
#![no_std]
include!("handler.rs");

handler!(slice_of_other_length, a, o, { o[..a.len()].copy_from_slice(a); 0 });
handler!(sum_overflows, a, _o, { let mut s = 0u8; for &b in a { s += b; } s as i64 });
handler!(divisor_zero, a, _o, { if a.len() < 2 { return 0; } (a[0] / a[1]) as i64 });
handler!(unwrap_none, a, _o, { *a.last().unwrap() as i64 });
handler!(unchecked_index, a, _o, { unsafe { *a.get_unchecked(3) as i64 } });
handler!(index_of_other, a, o, { for i in 0..a.len() { o[i] = a[i]; } 0 });
handler!(first_of_empty, a, _o, { a[0] as i64 });
handler!(inclusive_range, a, _o, { let mut s = 0i64; for i in 0..=a.len() { s += a[i] as i64; } s });
handler!(length_underflows, a, _o, { (a.len() - 1) as i64 });
handler!(shift_too_far, a, _o, { if a.is_empty() { return 0; } (1u32 << a[0]) as i64 });
handler!(table_by_byte, a, _o, { let t = [1u8; 16]; let mut s = 0i64; for &b in a { s += t[b as usize] as i64; } s });
handler!(smallest_by_minus_one, a, _o, { if a.len() < 2 { return 0; } ((a[0] as i8) / (a[1] as i8)) as i64 });
handler!(never_ends, a, _o, { let mut i = 0u8; while (i as usize) <= a.len() { i = i.wrapping_add(1); } i as i64 });
handler!(pointer_behind, a, o, { unsafe { *o.as_mut_ptr().add(a.len()) = 1; } 0 });
handler!(asserted, a, _o, { assert!(a.len() < 1000); a.len() as i64 });
handler!(expected, a, _o, { core::str::from_utf8(a).expect("text").len() as i64 });
