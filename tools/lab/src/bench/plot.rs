// SPDX-License-Identifier: GPL-2.0
//! Plots of a report, in SVG.

use std::collections::BTreeSet;
use std::error::Error as StdError;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::{Error, Kind, Result};

use super::report::{Report, Row};
use super::table;

const WIDTH: u32 = 900;
/// The height of a bar, and of the space between two measures.
const BAR: u32 = 18;
/// The space for the names beside the bars.
const NAMES: u32 = 330;
/// The height of a plot of lines.
const LINES: u32 = 360;
const FONT: &str = "sans-serif";

/// All plots: one of bars for the measures that are taken once, and one of lines for each measure
/// that is taken for several values of a parameter.
pub fn plots(report: &Report) -> Result<Vec<String>> {
    let plot = || {
        let single: Vec<_> = rows(report, |row| row.parameter.is_none());
        let mut plots = Vec::new();
        if !single.is_empty() {
            plots.push(bars(report, &single)?);
        }
        let varied = report.figures.iter().filter(|row| row.parameter.is_some());
        let names: BTreeSet<_> = varied.map(|row| row.measure.as_str()).collect();
        for name in names {
            let rows = rows(report, |row| row.measure == name && row.parameter.is_some());
            plots.push(lines(report, &rows)?);
        }
        Ok(plots)
    };
    let failed = |error: Box<dyn StdError>| {
        Error::new(
            Kind::Other,
            format!("cannot plot {}: {error}", report.benchmark),
        )
    };
    plot().map_err(failed)
}

fn rows(report: &Report, wanted: impl Fn(&Row) -> bool) -> Vec<&Row> {
    report.figures.iter().filter(|row| wanted(row)).collect()
}

/// For each measure a bar for each subject: its figure as a part of that of the subject by which
/// the ratio is.
fn bars(report: &Report, rows: &[&Row]) -> Result<String, Box<dyn StdError>> {
    let [_, reference] = &report.ratio;
    let part = |row: &Row, subject: &str| {
        let of = |name: &str| row.medians.get(name).copied().unwrap_or(f64::NAN);
        Some(of(subject) / of(reference)).filter(|part| part.is_finite() && *part >= 0.0)
    };
    let most = rows
        .iter()
        .flat_map(|row| {
            report
                .subjects
                .iter()
                .filter_map(|one| part(row, &one.name))
        })
        .fold(1.0, f64::max);
    // CAST: a definition has a handful of measures and subjects.
    let (measures, subjects) = (rows.len() as u32, report.subjects.len() as u32);
    let group = subjects.saturating_add(1);
    let slots = measures.saturating_mul(group);
    let height = slots.saturating_mul(BAR).saturating_add(90);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(NAMES)
            .build_cartesian_2d(0.0..most * 1.15, f64::from(slots)..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc(format!("part of {reference}'s"))
            .label_style((FONT, 15))
            .draw()?;
        let area = chart.plotting_area();
        let right = Pos::new(HPos::Right, VPos::Center);
        let left = Pos::new(HPos::Left, VPos::Center);
        let mut top = 0.0;
        for row in rows {
            let style = (FONT, 15).into_text_style(&root).pos(right);
            let middle = top + f64::from(subjects) / 2.0;
            area.draw(&Text::new(
                format!("{}  ", row.label()),
                (0.0, middle),
                style,
            ))?;
            for (number, subject) in report.subjects.iter().enumerate() {
                let Some(length) = part(row, &subject.name) else {
                    top += 1.0;
                    continue;
                };
                let colour = Palette99::pick(number);
                let bar = [(0.0, top + 0.05), (length, top + 0.95)];
                area.draw(&Rectangle::new(bar, colour.filled()))?;
                let median = row.medians.get(&subject.name).copied().unwrap_or(f64::NAN);
                let words = format!(" {}: {} {}", subject.name, table::text(median), row.unit);
                // Beside a long bar there is no space.
                let place = if length > most * 0.6 { 0.0 } else { length };
                let style = (FONT, 14).into_text_style(&root).pos(left);
                area.draw(&Text::new(words, (place, top + 0.5), style))?;
                top += 1.0;
            }
            top += 1.0;
        }
        root.present()?;
    }
    Ok(svg)
}

/// A line for each subject over the parameter, both axes logarithmic.
fn lines(report: &Report, rows: &[&Row]) -> Result<String, Box<dyn StdError>> {
    let points = |subject: &str| -> Vec<(f64, f64)> {
        let point = |row: &&Row| {
            // CAST: sizes and numbers are far below 2^53.
            let value = row.parameter.as_ref()?.value as f64;
            Some((value, row.medians.get(subject).copied()?)).filter(|(_, y)| *y > 0.0)
        };
        rows.iter().filter_map(point).collect()
    };
    let all: Vec<_> = report
        .subjects
        .iter()
        .flat_map(|subject| points(&subject.name))
        .collect();
    let range = |pick: fn(&(f64, f64)) -> f64| {
        let least = all.iter().map(pick).fold(f64::INFINITY, f64::min);
        let most = all.iter().map(pick).fold(0.0, f64::max);
        (least / 1.5..most * 1.5).log_scale()
    };
    let Some(first) = rows.first().filter(|_| !all.is_empty()) else {
        return Ok(String::new());
    };
    let parameter = first
        .parameter
        .as_ref()
        .map_or("", |parameter| &parameter.name);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, LINES)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(10)
            .caption(&first.measure, (FONT, 18))
            .x_label_area_size(40)
            .y_label_area_size(90)
            .build_cartesian_2d(range(|point| point.0), range(|point| point.1))?;
        chart
            .configure_mesh()
            .x_desc(parameter)
            .y_desc(&first.unit)
            .x_label_formatter(&|x| table::text(*x))
            .y_label_formatter(&|y| table::text(*y))
            .label_style((FONT, 15))
            .draw()?;
        for (number, subject) in report.subjects.iter().enumerate() {
            let colour = Palette99::pick(number).to_rgba();
            let points = points(&subject.name);
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
                .label(&subject.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2))
                });
            let dots = points
                .into_iter()
                .map(|point| Circle::new(point, 3, colour.filled()));
            chart.draw_series(dots)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .label_font((FONT, 15))
            .draw()?;
        root.present()?;
    }
    Ok(svg)
}
