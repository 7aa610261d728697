//! Ten thousand ways to spell a way out.

use std::collections::BTreeSet;

/// So many different names, each of which leads out wherever somebody believes it: `outside` is
/// where the way should lead. Always the same ones.
pub(super) fn spellings(count: usize, outside: &str) -> Vec<Vec<u8>> {
    let absolute = outside.trim_start_matches('/');
    let mut names: BTreeSet<Vec<u8>> = WHOLE.iter().map(|name| name.to_vec()).collect();
    let all = PREFIXES.len() * UPS.len() * SEPARATORS.len() * DEPTHS.len() * ENDS.len();
    let all = all * TARGETS.len();
    assert!(count <= all / 2, "there are no more than {all}");
    let mut number = 0;
    while names.len() < count {
        // Coprime to the number of all: each is met once, and all parts early.
        number = (number + STRIDE) % all;
        names.insert(spelling(number, absolute));
    }
    names.into_iter().collect()
}

fn spelling(mut number: usize, absolute: &str) -> Vec<u8> {
    let mut name = next(&mut number, &PREFIXES).to_vec();
    let up = next(&mut number, &UPS);
    let separator = next(&mut number, &SEPARATORS);
    for _ in 0..next(&mut number, &DEPTHS) {
        name.extend_from_slice(up);
        name.extend_from_slice(separator);
    }
    match next(&mut number, &TARGETS) {
        b"ABSOLUTE" => name.extend_from_slice(absolute.as_bytes()),
        target => name.extend_from_slice(target),
    }
    name.extend_from_slice(next(&mut number, &ENDS));
    name
}

/// The part that the last digit of `number` stands for, which is taken off.
fn next<T: Copy>(number: &mut usize, parts: &[T]) -> T {
    let part = *parts.get(*number % parts.len()).unwrap();
    *number /= parts.len();
    part
}

const STRIDE: usize = 1_000_003;

const PREFIXES: [&[u8]; 20] = [
    b"",
    b"/",
    b"//",
    b"///",
    b"./",
    b"d/",
    b"d/../",
    b"/d/",
    b"f/",
    b"rel/",
    b"abs/",
    b"up/",
    b"root/",
    b"proc/",
    b"d/deep/",
    b"~/",
    b"~root/",
    b"C:\\",
    b"file:///",
    b"\\",
];

const UPS: [&[u8]; 20] = [
    b"..",
    b"...",
    b".. ",
    b" ..",
    b"..;",
    b".%2e",
    b"%2e%2e",
    b"%252e%252e",
    b"%c0%ae%c0%ae",
    b"%u002e%u002e",
    // Overlong UTF-8, of two, three and four octets.
    b"\xc0\xae\xc0\xae",
    b"\xe0\x80\xae\xe0\x80\xae",
    b"\xf0\x80\x80\xae\xf0\x80\x80\xae",
    // Dots that are none: fullwidth, one dot leader; one with nothing to be seen behind it.
    "\u{ff0e}\u{ff0e}".as_bytes(),
    "\u{2024}\u{2024}".as_bytes(),
    "..\u{200b}".as_bytes(),
    b"..\0",
    b"..\x08",
    b"..\r",
    b".",
];

const SEPARATORS: [&[u8]; 12] = [
    b"/",
    b"//",
    b"/./",
    b"\\",
    b"/\\",
    b"%2f",
    b"%5c",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    "\u{ff0f}".as_bytes(),
    "\u{2215}".as_bytes(),
    b"\0/",
];

const DEPTHS: [usize; 5] = [0, 1, 2, 5, 20];

const TARGETS: [&[u8]; 14] = [
    b"",
    b"outside",
    b"outside/secret",
    b"outside/large",
    b"outside/inner",
    b"outside/new",
    b"secret",
    b"inner",
    b"ABSOLUTE",
    b"etc/passwd",
    b"proc/self/environ",
    b"proc/self/cwd",
    b"proc/self/fd/3",
    b"dev/fd/3",
];

const ENDS: [&[u8]; 10] = [
    b"", b"/", b"/.", b".", b" ", b"\0", b"\0.txt", b"%00", b"::$DATA", b"/*",
];

/// What is no combination of those.
const WHOLE: [&[u8]; 22] = [
    b"rel",
    b"abs",
    b"up",
    b"root",
    b"proc",
    b"cwd",
    b"file",
    b"loop",
    b"d/deep",
    b"rel/secret",
    b"abs/secret",
    b"up/outside/secret",
    b"root/etc/passwd",
    b"proc/etc/passwd",
    b"cwd/Cargo.toml",
    b"d/deep/inner",
    b"-la ../outside",
    b"-a /",
    b"{..,.}/outside/secret",
    b"?./outside",
    b"[.][.]/outside",
    b"|cat ../outside/secret",
];
