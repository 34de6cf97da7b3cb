//! Medians, their confidence intervals, and comparisons.
//!
//! Times are skewed and have outliers, so nothing here assumes a normal distribution: the interval
//! of a median comes from the order of the samples alone.

use std::hash::{BuildHasher as _, RandomState};

use serde::Serialize;

/// A median with its 95 % confidence interval in this run. Another run, under another load, may
/// lie outside.
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

/// For an even number of values, the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let values = sorted(values);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get((values.len() / 2).checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

/// The number of samples below the true median is binomial with p = 1/2, so the ends of the
/// interval are two samples whose ranks follow from n. With fewer than six samples the interval
/// spans all of them.
pub fn interval(values: &[f64]) -> Option<Interval> {
    let ordered = sorted(values);
    let (min, max) = (*ordered.first()?, *ordered.last()?);
    let outside = samples_outside(ordered.len());
    let low = ordered.get(outside).copied().unwrap_or(min);
    let high = ordered.get(ordered.len() - 1 - outside).copied().unwrap_or(max);
    Some(Interval { median: median(values)?, low, high, min, max })
}

/// The number of samples outside the interval at each end: 2.5 % of the distribution at most.
fn samples_outside(n: usize) -> usize {
    if n > 1000 {
        // The normal approximation is exact enough.
        let n = as_f64(n);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and n"
        )]
        return (n / 2.0 - 0.98 * n.sqrt()).floor() as usize;
    }
    binomial_cdf(n).take_while(|tail| *tail <= 0.025).count().saturating_sub(1)
}

/// P(X ≤ 0), P(X ≤ 1) and so on, for X binomial with n trials and p = 1/2.
fn binomial_cdf(n: usize) -> impl Iterator<Item = f64> {
    let none = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    (0..=n).scan((none, 0.0), move |(exactly, at_most), k| {
        *at_most += *exactly;
        *exactly *= as_f64(n - k) / as_f64(k + 1);
        Some(*at_most)
    })
}

/// 0 to n - 1 in random order, because the order of measurements affects their times.
pub(crate) fn shuffled_indices(n: usize) -> Vec<usize> {
    let random = RandomState::new();
    let mut indices: Vec<usize> = (0..n).collect();
    indices.sort_by_cached_key(|index| random.hash_one(index));
    indices
}

pub fn as_f64(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// How far two series of the same thing differ when measured in the same rounds (an A/A test):
/// smaller differences mean nothing on this machine.
pub fn noise(one: &[f64], control: &[f64]) -> Option<f64> {
    let differences: Vec<_> = one.iter().zip(control).map(|(a, b)| a - b).collect();
    interval(&differences).map(|found| found.low.abs().max(found.high.abs()))
}

/// `Same` if the intervals overlap or the difference is within the noise; `None` without samples.
pub fn compare(one: &[f64], other: &[f64], noise: f64) -> Option<Order> {
    let (a, b) = (interval(one)?, interval(other)?);
    if (a.median - b.median).abs() <= noise || a.low <= b.high && b.low <= a.high {
        return Some(Order::Same);
    }
    Some(if a.median < b.median { Order::Less } else { Order::More })
}

/// The p-value of a two-sided sign test, which assumes nothing about the distribution.
pub fn sign_test(differences: &[f64]) -> f64 {
    let less = differences.iter().filter(|one| **one < 0.0).count();
    let more = differences.iter().filter(|one| **one > 0.0).count();
    let tail = binomial_cdf(less + more).nth(less.min(more)).unwrap_or(1.0);
    (2.0 * tail).min(1.0)
}

pub fn all_equal(values: &[f64], number: f64) -> bool {
    !values.is_empty() && values.iter().all(|value| (value - number).abs() < 1e-9)
}
