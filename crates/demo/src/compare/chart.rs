//! Where a dot and its interval stand on a line, for the drawing of a figure.

use latchkey_lab::Figure;

/// How wide the drawing is, in its own units.
pub(super) const WIDTH: f64 = 200.0;

/// Room for a dot at either end.
const EDGE: f64 = 6.0;

/// How wide the mark of a median is.
const DOT: f64 = 3.0;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) from: String,
    pub(crate) width: String,
    /// Where the mark of the median begins.
    pub(crate) at: String,
}

/// All of them on one scale, which begins at nothing: a difference looks as
/// large as it is.
pub(super) fn marks(figures: &[&Figure]) -> Vec<Mark> {
    let largest = figures.iter().map(|figure| figure.high).fold(0.0, f64::max);
    let place = |value: f64| {
        let part = if largest > 0.0 { (value / largest).clamp(0.0, 1.0) } else { 0.0 };
        EDGE + part * (WIDTH - 2.0 * EDGE)
    };
    let one = |figure: &&Figure| {
        let (from, to) = (place(figure.low), place(figure.high));
        Mark {
            from: format!("{from:.1}"),
            width: format!("{:.1}", to - from),
            at: format!("{:.1}", place(figure.median) - DOT / 2.0),
        }
    };
    figures.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_lab::Series;

    fn figure(values: &[f64]) -> Figure {
        let series = Series { label: "a".into(), unit: "ms".into(), values: values.to_vec() };
        Figure::of(&series).unwrap()
    }

    #[test]
    fn the_scale_begins_at_nothing_and_ends_at_the_largest() {
        let (small, large) = (figure(&[5.0]), figure(&[8.0, 9.0, 10.0]));
        let drawn = marks(&[&small, &large]);
        assert_eq!((drawn[0].at.as_str(), drawn[0].width.as_str()), ("98.5", "0.0"));
        assert_eq!((drawn[1].from.as_str(), drawn[1].at.as_str()), ("156.4", "173.7"));
        let nothing = figure(&[0.0]);
        assert_eq!(marks(&[&nothing])[0].at, "4.5");
    }
}
