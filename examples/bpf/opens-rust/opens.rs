//! Prints every file that is opened: `opens [COUNT]` ends after COUNT of them. Its programs are
//! those of ../opens.
use std::ffi::c_void;
use std::io::{self, Write};

mod wasm_bpf {
    use std::ffi::c_void;
    use std::os::raw::c_char;

    pub type Sample = extern "C" fn(context: *mut c_void, data: *mut c_void, bytes: i32) -> i32;

    #[link(wasm_import_module = "wasm_bpf")]
    extern "C" {
        pub fn wasm_load_bpf_object(object: *const u8, bytes: i32) -> u64;
        pub fn wasm_close_bpf_object(object: u64) -> i32;
        pub fn wasm_attach_bpf_program(
            object: u64,
            program: *const c_char,
            target: *const c_char,
        ) -> i32;
        pub fn wasm_bpf_map_fd_by_name(object: u64, map: *const c_char) -> i32;
        pub fn wasm_bpf_buffer_poll(
            object: u64,
            map: i32,
            function: Sample,
            context: *mut c_void,
            data: *mut c_void,
            data_bytes: i32,
            timeout_ms: i32,
        ) -> i32;
    }
}

/// What the programs tell: ../opens/opens.h.
#[repr(C)]
struct Event {
    pid: i32,
    comm: [u8; 16],
    path: [u8; 108],
}

const OBJECT: &[u8] = include_bytes!(env!("OPENS_OBJECT"));

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

extern "C" fn on_event(left: *mut c_void, data: *mut c_void, bytes: i32) -> i32 {
    let left = unsafe { &mut *(left as *mut i64) };
    if (bytes as usize) < std::mem::size_of::<Event>() || *left == 0 {
        return 0;
    }
    let event = unsafe { &*(data as *const Event) };
    println!("{} {} {}", event.pid, text(&event.comm), text(&event.path));
    let _ = io::stdout().flush();
    *left -= 1;
    0
}

fn run(mut left: i64) -> Result<(), String> {
    let mut event = std::mem::MaybeUninit::<Event>::zeroed();
    let object = unsafe { wasm_bpf::wasm_load_bpf_object(OBJECT.as_ptr(), OBJECT.len() as i32) };
    if object == 0 {
        return Err("cannot load the programs".into());
    }
    let attached = unsafe {
        wasm_bpf::wasm_attach_bpf_program(object, b"on_open\0".as_ptr().cast(), std::ptr::null())
    };
    if attached < 0 {
        return Err(format!("cannot attach: {}", attached));
    }
    let map = unsafe { wasm_bpf::wasm_bpf_map_fd_by_name(object, b"events\0".as_ptr().cast()) };
    eprintln!("ready");
    while left != 0 {
        let taken = unsafe {
            wasm_bpf::wasm_bpf_buffer_poll(
                object,
                map,
                on_event,
                (&mut left as *mut i64).cast(),
                event.as_mut_ptr().cast(),
                std::mem::size_of::<Event>() as i32,
                1000,
            )
        };
        if taken < 0 {
            return Err(format!("cannot poll: {}", taken));
        }
    }
    unsafe { wasm_bpf::wasm_close_bpf_object(object) };
    Ok(())
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok());
    if let Err(cause) = run(count.unwrap_or(-1)) {
        eprintln!("{}", cause);
        std::process::exit(1);
    }
}
