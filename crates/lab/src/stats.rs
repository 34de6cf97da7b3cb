//! Medians, their intervals, and when two of them differ.
//!
//! Times are skewed and have outliers, so nothing here assumes a bell curve:
//! the interval of a median comes from the order of the samples alone.

/// The median of samples, and where it lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    pub min: f64,
    pub max: f64,
}

/// How one variant stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Less,
    Same,
    More,
}

/// How large a difference has to be to be named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    pub relative: f64,
    pub absolute: f64,
}

impl Margin {
    /// For times in milliseconds: a tenth, and a quarter of a millisecond. That
    /// is half of what one round trip between two machines in one building
    /// costs; what is smaller, nobody can notice, and two runs on a busy
    /// machine would not agree about it.
    pub const MILLIS: Self = Self { relative: 0.1, absolute: 0.25 };

    /// For what is counted and has no noise.
    pub const COUNT: Self = Self { relative: 0.0, absolute: 0.0 };
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The median; of an even number, the middle between the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let values = sorted(values);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get((values.len() / 2).checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

/// The median with the 95 % interval that the order of the samples gives.
///
/// The number of samples below the true median is binomial with p = 1/2, so its
/// interval lies between two samples whose ranks follow from n alone. With
/// fewer than six samples there is no such interval: it is everything there is.
pub fn interval(values: &[f64]) -> Option<Interval> {
    let ordered = sorted(values);
    let (min, max) = (*ordered.first()?, *ordered.last()?);
    let below = rank_below(ordered.len());
    let low = ordered.get(below).copied().unwrap_or(min);
    let high = ordered.get(ordered.len() - 1 - below).copied().unwrap_or(max);
    Some(Interval { median: median(values)?, low, high, min, max })
}

/// The largest k so that fewer than k+1 samples below the median are no more
/// likely than 2.5 %: how many samples to leave away at each end.
fn rank_below(n: usize) -> usize {
    let mut probability = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let (mut sum, mut k) = (probability, 0);
    if probability == 0.0 {
        // Beyond a thousand samples: the bell curve is exact enough.
        let n = f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and n"
        )]
        return (n / 2.0 - 0.98 * n.sqrt()).floor().max(0.0) as usize;
    }
    while k < n {
        let (above, at) = (n - k, k + 1);
        probability *= as_f64(above) / as_f64(at);
        if sum + probability > 0.025 {
            break;
        }
        sum += probability;
        k += 1;
    }
    if sum > 0.025 { 0 } else { k }
}

pub fn as_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// How `one` stands to `other`: `Same` when their intervals overlap, or when
/// the difference is not worth naming. Without samples there is no order.
pub fn compare(one: &[f64], other: &[f64], margin: Margin) -> Option<Order> {
    let (a, b) = (interval(one)?, interval(other)?);
    let difference = (a.median - b.median).abs();
    let worth = (margin.relative * a.median.abs().max(b.median.abs())).max(margin.absolute);
    if difference <= worth || a.low <= b.high && b.low <= a.high {
        return Some(Order::Same);
    }
    Some(if a.median < b.median { Order::Less } else { Order::More })
}

/// Which of two variants has the smaller median.
pub fn by_median(one: &[f64], other: &[f64]) -> std::cmp::Ordering {
    median(one).unwrap_or(f64::INFINITY).total_cmp(&median(other).unwrap_or(f64::INFINITY))
}

pub fn all_are(values: &[f64], number: f64) -> bool {
    !values.is_empty() && values.iter().all(|value| (value - number).abs() < 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        for (values, expected) in [
            (&[][..], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0, 5.0], Some(5.0)),
            (&[1.0, 2.0, 30.0, 4.0], Some(3.0)),
            (&[f64::NAN, 2.0], Some(2.0)),
        ] {
            assert_eq!(median(values), expected, "{values:?}");
        }
    }

    /// The ranks that tables of the sign test give.
    #[test]
    fn intervals_leave_away_what_the_tables_say() {
        for (n, below) in [(1, 0), (5, 0), (6, 0), (8, 0), (9, 1), (20, 5), (30, 9), (100, 39)] {
            assert_eq!(rank_below(n), below, "{n}");
        }
        assert_eq!(rank_below(10_000), 4902);
    }

    #[test]
    fn a_difference_is_named_when_it_is_clear_and_large_enough() {
        let around = |middle: f64, width: f64| -> Vec<f64> {
            (0..21_i32).map(|n| middle + width * (f64::from(n) - 10.0) / 10.0).collect()
        };
        for (one, other, expected) in [
            (around(1.0, 0.1), around(3.0, 0.1), Order::Less),
            (around(3.0, 0.1), around(1.0, 0.1), Order::More),
            (around(1.0, 0.1), around(1.2, 0.1), Order::Same), // less than 0.25
            (around(10.0, 0.1), around(10.9, 0.1), Order::Same), // less than a tenth
            (around(1.0, 4.0), around(3.0, 4.0), Order::Same), // inside the noise
        ] {
            assert_eq!(compare(&one, &other, Margin::MILLIS), Some(expected));
        }
        assert_eq!(compare(&[], &[1.0], Margin::MILLIS), None);
        assert_eq!(compare(&[0.0], &[1.0], Margin::COUNT), Some(Order::Less));
    }
}
