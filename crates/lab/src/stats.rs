//! Medians, their intervals, and when two of them differ.
//!
//! Times are skewed and have outliers, so nothing here assumes a bell curve:
//! the interval of a median comes from the order of the samples alone.

use std::hash::{BuildHasher as _, RandomState};

use serde::Serialize;

/// The median of samples, and where it lies with 95 % confidence as far as this run goes. Another
/// run, on a machine that does something else, may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    pub min: f64,
    pub max: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Less,
    Same,
    More,
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

/// How many samples to leave away at each end: as many as lie below the median with a probability
/// of no more than 2.5 %.
fn rank_below(n: usize) -> usize {
    if n > 1000 {
        // The bell curve is exact enough.
        let n = as_f64(n);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and n"
        )]
        return (n / 2.0 - 0.98 * n.sqrt()).floor() as usize;
    }
    tails(n).take_while(|tail| *tail <= 0.025).count().saturating_sub(1)
}

/// How likely it is that of so many coins none shows heads, at most one, at most two and so on.
fn tails(n: usize) -> impl Iterator<Item = f64> {
    let none = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    (0..=n).scan((none, 0.0), move |(just, tail), k| {
        *tail += *just;
        *just *= as_f64(n - k) / as_f64(k + 1);
        Some(*tail)
    })
}

/// So many turns in an order of chance: who comes after whom makes a difference of its own.
pub(crate) fn shuffled_indices(turns: usize) -> Vec<usize> {
    let chance = RandomState::new();
    let mut order: Vec<usize> = (0..turns).collect();
    order.sort_by_cached_key(|turn| chance.hash_one(turn));
    order
}

pub fn as_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// By how much two series differ that are the same thing, measured in the same rounds: what is
/// smaller than that, this machine makes up (an A/A test).
pub fn noise(one: &[f64], control: &[f64]) -> Option<f64> {
    let differences: Vec<_> = one.iter().zip(control).map(|(a, b)| a - b).collect();
    interval(&differences).map(|found| found.low.abs().max(found.high.abs()))
}

/// How `one` stands to `other`: `Same` when their intervals overlap, or when the difference is
/// inside the noise. Without samples there is no order.
pub fn compare(one: &[f64], other: &[f64], noise: f64) -> Option<Order> {
    let (a, b) = (interval(one)?, interval(other)?);
    if (a.median - b.median).abs() <= noise || a.low <= b.high && b.low <= a.high {
        return Some(Order::Same);
    }
    Some(if a.median < b.median { Order::Less } else { Order::More })
}

/// How likely it is that so many differences have the same sign, if either sign is as likely as
/// the other: small where two series are not the same. Whatever the shape of the times.
pub fn sign_test(differences: &[f64]) -> f64 {
    let count = |is: fn(&f64) -> bool| differences.iter().filter(|one| is(one)).count();
    let (less, more) = (count(|one| *one < 0.0), count(|one| *one > 0.0));
    let tail = tails(less + more).nth(less.min(more)).unwrap_or(1.0);
    (2.0 * tail).min(1.0)
}

pub fn all_equal(values: &[f64], number: f64) -> bool {
    !values.is_empty() && values.iter().all(|value| (value - number).abs() < 1e-9)
}
