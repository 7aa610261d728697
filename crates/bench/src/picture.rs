//! The picture: for each row that has a target, how many times as good as the best other ours is.

use svg::Document;
use svg::node::element::{Description, Line, Polygon, Rectangle, Style, Text, Title};

use crate::targets::{Standing, times};

/// Draws the rows that can be compared. It has a ground of its own, so that it can be read on a
/// light and on a dark page.
pub(crate) fn picture(standings: &[Standing]) -> String {
    let rows: Vec<Bar<'_>> = standings.iter().filter_map(Bar::of).collect();
    let height = HEAD + ROW * float(rows.len()) + FOOT;
    let scale = Scale::of(&rows);
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(HEADLINE))
        .add(Description::new().add(svg::node::Text::new(spoken(&rows))))
        .add(Style::new(STYLE))
        .add(
            Rectangle::new()
                .set("class", "ground")
                .set("width", WIDTH)
                .set("height", height)
                .set("rx", 8),
        )
        .add(text(HEADLINE, "headline", LEFT_EDGE, 26.0))
        .add(text(LEGEND, "note", LEFT_EDGE, 46.0));
    for mark in scale.marks() {
        let x = scale.at(mark);
        let class = if (mark - 1.0).abs() < f64::EPSILON {
            "one"
        } else {
            "grid"
        };
        let label = text(&times(mark), "note", x, height - 14.0).set("text-anchor", "middle");
        document = document
            .add(vertical(class, x, HEAD - 6.0, height - FOOT + 4.0))
            .add(label);
    }
    for (number, bar) in rows.iter().enumerate() {
        document = bar.draw(document, &scale, HEAD + ROW * float(number));
    }
    format!("{document}\n")
}

/// One row of the picture.
struct Bar<'a> {
    standing: &'a Standing,
    best: &'static str,
    ratio: f64,
    aim: f64,
}

impl<'a> Bar<'a> {
    fn of(standing: &'a Standing) -> Option<Self> {
        Some(Self {
            standing,
            best: standing.best?.0,
            ratio: standing.ratio().filter(|ratio| *ratio > 0.0)?,
            aim: standing.ratio_aimed_at()?,
        })
    }

    fn draw(&self, document: Document, scale: &Scale, top: f64) -> Document {
        let (from, to) = (scale.at(1.0), scale.at(self.ratio));
        let met = self.standing.is_met() == Some(true);
        let middle = top + ROW / 2.0;
        let what = format!("{}, {}", self.standing.work, self.standing.unit);
        let value = format!("{} of {}", times(self.ratio), self.best);
        let after = from.max(to).max(scale.at(self.aim)) + 8.0;
        let aim = scale.at(self.aim);
        let points = format!(
            "{aim:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
            top + 9.0,
            aim - 5.0,
            top + 2.0,
            aim + 5.0,
            top + 2.0
        );
        document
            .add(
                Rectangle::new()
                    .set("class", if met { "met" } else { "unmet" })
                    .set("x", rounded(from.min(to)))
                    .set("y", rounded(top + 6.0))
                    .set("width", rounded((to - from).abs().max(2.0)))
                    .set("height", ROW - 12.0),
            )
            .add(vertical("aim", aim, top + 3.0, top + ROW - 3.0))
            .add(Polygon::new().set("class", "mark").set("points", points))
            .add(text(&what, "label", LEFT_EDGE, middle + 4.0))
            .add(text(&value, "value", after, middle + 4.0))
    }
}

/// Ratios on a logarithmic scale: twice and half lie equally far from one.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn of(rows: &[Bar<'_>]) -> Self {
        let all = rows.iter().flat_map(|row| [row.ratio, row.aim]);
        let (least, most) = all.fold((0.5_f64, 2.0_f64), |(least, most), ratio| {
            (least.min(ratio), most.max(ratio))
        });
        Self {
            least: least.log2().floor(),
            most: most.log2().ceil(),
        }
    }

    fn at(&self, ratio: f64) -> f64 {
        let share = (ratio.log2() - self.least) / (self.most - self.least);
        PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)
    }

    /// The powers of two that are drawn.
    fn marks(&self) -> impl Iterator<Item = f64> {
        let (least, most) = (self.least, self.most);
        let powers = std::iter::successors(Some(least), |power| Some(power + 1.0));
        powers
            .take_while(move |power| *power <= most)
            .map(f64::exp2)
    }
}

/// What is told to those who do not see.
fn spoken(rows: &[Bar<'_>]) -> String {
    let told = rows.iter().map(|row| {
        let (work, unit) = (&row.standing.work, row.standing.unit);
        format!("{work}, {unit}: {} of {}.", times(row.ratio), row.best)
    });
    told.collect::<Vec<_>>().join(" ")
}

fn text(words: &str, class: &str, x: f64, y: f64) -> Text {
    Text::new(words)
        .set("class", class)
        .set("x", rounded(x))
        .set("y", rounded(y))
}

fn vertical(class: &str, x: f64, from: f64, to: f64) -> Line {
    let x = rounded(x);
    Line::new()
        .set("class", class)
        .set("x1", x)
        .set("x2", x)
        .set("y1", rounded(from))
        .set("y2", rounded(to))
}

/// A tenth of a pixel is enough.
fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(0.0, f64::from)
}

const HEADLINE: &str = "thirdhostd beside the best other server, in the same run";
const LEGEND: &str = "How many times as good, on a logarithmic scale. \
    The marks are the targets; the bar is blue where its target is met.";

const WIDTH: f64 = 960.0;
const HEAD: f64 = 68.0;
const ROW: f64 = 28.0;
const FOOT: f64 = 36.0;
const LEFT_EDGE: f64 = 16.0;
const PLOT_LEFT: f64 = 340.0;
/// Behind it is room for the words of the longest bar.
const PLOT_RIGHT: f64 = 770.0;

/// Dark where the reader's system is, light elsewhere.
const STYLE: &str = "\
text{font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2328}\
.headline{font-size:16px;font-weight:600}.note{font-size:12px;fill:#59636e}.value{font-weight:600}\
.ground{fill:#ffffff;stroke:#d1d9e0}.grid{stroke:#d1d9e0}.one{stroke:#59636e}\
.met{fill:#2f81f7}.unmet{fill:#d4810f}.aim{stroke:#1f2328;stroke-width:2}.mark{fill:#1f2328}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9198a1}\
.ground{fill:#0d1117;stroke:#3d444d}.grid{stroke:#3d444d}.one{stroke:#9198a1}\
.aim{stroke:#e6edf3}.mark{fill:#e6edf3}}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::Aim;

    #[test]
    fn every_row_that_can_be_compared_is_drawn_within_the_picture() {
        let standing = |work: &str, ours, best, aim| Standing::known(work, "GB/s", ours, best, aim);
        let standings = [
            standing("fast & <good>", 90.0, Some(("a", 1.0)), Aim::Times(3.0)),
            standing("slow", 0.1, Some(("b", 1.0)), Aim::Times(0.9)),
            standing("alone", 0.1, None, Aim::Times(0.9)),
            standing("nothing", 0.0, Some(("b", 1.0)), Aim::Times(0.9)),
        ];
        let drawn = picture(&standings);
        assert_eq!(drawn.matches("class=\"met\"").count(), 1);
        assert_eq!(drawn.matches("class=\"unmet\"").count(), 1);
        assert!(drawn.contains("fast &amp; &lt;good"), "{drawn}");
        assert!(!drawn.contains("alone") && !drawn.contains("NaN") && !drawn.contains("inf"));
        let numbers = drawn
            .split("x=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        for x in numbers.filter_map(|x| x.parse::<f64>().ok()) {
            assert!((0.0..WIDTH).contains(&x), "{x}");
        }
        assert_eq!(
            picture(&standings),
            drawn,
            "the same figures give the same picture"
        );
    }
}
