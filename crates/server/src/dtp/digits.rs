//! Numbers in text, without a detour through the formatting machinery: listings are full of them.

/// Appends `number` in base `RADIX`, of at least `width` digits, `fill` in front of a shorter one.
pub(super) fn push<const RADIX: u64>(text: &mut String, mut number: u64, width: usize, fill: char) {
    const {
        assert!(RADIX >= 8 && RADIX <= 16, "64 bits fit the digits below");
    }
    let mut digits = [b'0'; DIGITS_MAX];
    let mut length = 0;
    for place in digits.iter_mut().rev() {
        *place = digit(number % RADIX);
        number /= RADIX;
        length += 1;
        if number == 0 {
            break;
        }
    }
    for _ in length..width {
        text.push(fill);
    }
    let written = digits.get(DIGITS_MAX - length..).unwrap_or_default();
    text.extend(written.iter().copied().map(char::from));
}

/// Appends `number`, and spaces behind a shorter one than `width`.
pub(super) fn push_left(text: &mut String, number: u64, width: usize) {
    let start = text.len();
    push::<10>(text, number, 1, '0');
    for _ in text.len() - start..width {
        text.push(' ');
    }
}

fn digit(value: u64) -> u8 {
    b"0123456789abcdef"
        .get(usize::try_from(value).unwrap_or(0))
        .copied()
        .unwrap_or(b'0')
}

/// 64 bits in base 8.
const DIGITS_MAX: usize = 22;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut text = String::from(">");
        write(&mut text);
        text
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(bits in 0..=64_u32, number: u64) {
            let number = number.checked_shr(bits).unwrap_or(0);
            let told = written(|text| {
                push::<10>(text, number, 1, '0');
                text.push(' ');
                push::<10>(text, number, 2, '0');
                text.push(' ');
                push::<10>(text, number, 8, ' ');
                text.push(' ');
                push::<16>(text, number, 1, '0');
                text.push(' ');
                push::<8>(text, number, 4, '0');
                text.push(' ');
                push_left(text, number, 8);
            });
            let expected =
                format!(">{number} {number:02} {number:>8} {number:x} {number:04o} {number:<8}");
            prop_assert_eq!(told, expected);
        }
    }

    #[test]
    fn the_largest_fits_in_every_base() {
        let all = u64::MAX;
        assert_eq!(
            written(|text| push::<8>(text, all, 1, '0')),
            format!(">{all:o}")
        );
        assert_eq!(
            written(|text| push::<16>(text, all, 1, '0')),
            format!(">{all:x}")
        );
    }
}
