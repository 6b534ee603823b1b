//! `deploy/grafana/kcl.json` is made of the table of instruments.

use serde_json::{Value, json};

use super::{compare, panels};

/// How many panels stand side by side; Grafana's board is 24 wide.
const ACROSS: usize = 4;
const WIDTH: usize = 24 / ACROSS;
const HEIGHT: usize = 7;

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${source}"})
}

fn panel(id: usize, title: &str, ids: &[kcl_metrics::Id], x: usize, y: usize) -> Value {
    let rows: Vec<_> = ids.iter().map(|id| panels::row(*id)).collect();
    let said: Vec<String> =
        rows.iter().map(|row| format!("`{}`: {}", row.name, row.help)).collect();
    let targets = rows.iter().flat_map(|row| panels::targets(row)).zip('A'..);
    let targets: Vec<Value> = targets
        .map(|(target, letter)| {
            json!({
                "refId": letter.to_string(),
                "datasource": source(),
                "expr": target.expression,
                "legendFormat": target.legend,
            })
        })
        .collect();
    json!({
        "id": id,
        "type": "timeseries",
        "title": title,
        "description": said.join("\n\n"),
        "datasource": source(),
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": panels::unit(rows[0]),
                "min": 0,
                // What is not known is a gap, never a line.
                "custom": {"spanNulls": false, "fillOpacity": 8, "showPoints": "auto"},
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": targets,
    })
}

fn panels() -> Vec<Value> {
    let (mut all, mut y) = (Vec::new(), 0);
    for row in panels::ROWS {
        let place = json!({"x": 0, "y": y, "w": 24, "h": 1});
        let id = all.len() + 1;
        all.push(json!({
            "id": id, "type": "row", "title": row.title, "collapsed": false, "gridPos": place,
            "panels": [],
        }));
        y += 1;
        for (line, some) in row.panels.chunks(ACROSS).enumerate() {
            for (column, (title, ids)) in some.iter().enumerate() {
                let (x, y) = (column * WIDTH, y + line * HEIGHT);
                all.push(panel(all.len() + 1, title, ids, x, y));
            }
        }
        y += row.panels.len().div_ceil(ACROSS) * HEIGHT;
    }
    all
}

fn variable(name: &str, label: &str, query: &str, all: bool) -> Value {
    json!({
        "name": name,
        "label": label,
        "type": "query",
        "datasource": source(),
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": all,
        "includeAll": all,
        "current": if all { json!({"text": ["All"], "value": ["$__all"]}) } else { json!({}) },
    })
}

fn board() -> String {
    let board = json!({
        "uid": "kcl",
        "title": "Kinesis consumers",
        "description": "Generated from the table of instruments: docs/METRICS.md.",
        "tags": ["kinesis", "kcl"],
        "schemaVersion": 39,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [
            {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"},
            variable(
                "application", "Application", "label_values(kcl_build_info, application)", false,
            ),
            variable(
                "stream", "Stream",
                "label_values(kcl_records_read_total{application=\"$application\"}, stream)", true,
            ),
        ]},
        "annotations": {"list": []},
        "panels": panels(),
    });
    serde_json::to_string_pretty(&board).unwrap() + "\n"
}

#[test]
fn the_board_is_made_of_the_table() {
    compare("deploy/grafana/kcl.json", &board());
}

/// `[x, y, w, h]` of each panel.
fn places() -> Vec<[u64; 4]> {
    let place =
        |panel: &Value| ["x", "y", "w", "h"].map(|of| panel["gridPos"][of].as_u64().unwrap());
    panels().iter().map(place).collect()
}

#[test]
fn no_two_panels_lie_on_each_other_and_none_leaves_the_board() {
    let all = places();
    for (number, [x, y, w, h]) in all.iter().enumerate() {
        assert!(x + w <= 24);
        for [left, top, width, height] in &all[..number] {
            let apart = x + w <= *left || left + width <= *x || y + h <= *top || top + height <= *y;
            assert!(apart, "panel {number} lies on another");
        }
    }
}
