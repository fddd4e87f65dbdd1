//! Cases computed by PyTorch: `GROUP.json` and `GROUP.f32` in `tests/reference`, or in the folder `LENSLET_REFERENCE`.

use serde_json::Value;
use std::path::PathBuf;

/// One case of a group.
pub struct Case {
    pub name: String,
    params: Value,
    tensors: Value,
    numbers: std::rc::Rc<Vec<f32>>,
}

impl Case {
    /// A whole number among the parameters.
    pub fn param(&self, name: &str) -> usize {
        self.params[name].as_u64().unwrap_or_else(|| panic!("{} has no parameter {name}", self.name)) as usize
    }
    /// A text among the parameters.
    pub fn text(&self, name: &str) -> &str {
        self.params[name].as_str().unwrap_or_default()
    }
    /// A number among the parameters.
    pub fn float(&self, name: &str) -> f64 {
        self.params[name].as_f64().unwrap_or_else(|| panic!("{} has no parameter {name}", self.name))
    }
    /// Whole numbers among the parameters.
    pub fn list(&self, name: &str) -> Vec<u64> {
        let list = self.params[name].as_array().unwrap_or_else(|| panic!("{} has no list {name}", self.name));
        list.iter().map(|value| value.as_u64().expect("a whole number")).collect()
    }
    pub fn flag(&self, name: &str) -> bool {
        self.params[name].as_bool().unwrap_or(false)
    }
    /// Shape and values, if the case has such a tensor.
    pub fn tensor(&self, name: &str) -> Option<(Vec<usize>, &[f32])> {
        let tensor = self.tensors.get(name)?;
        let shape: Vec<usize> =
            tensor["shape"].as_array()?.iter().map(|size| size.as_u64().unwrap() as usize).collect();
        let offset = tensor["offset"].as_u64()? as usize;
        let len = shape.iter().product::<usize>();
        Some((shape, &self.numbers[offset..offset + len]))
    }
}

/// All cases of a group.
pub fn cases(group: &str) -> Vec<Case> {
    let vendored = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference"));
    let folder = std::env::var_os("LENSLET_REFERENCE").map_or_else(vendored, PathBuf::from);
    let read = |name: String| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let json: Value = serde_json::from_slice(&read(format!("{group}.json"))).expect("JSON");
    let bytes = read(format!("{group}.f32"));
    let numbers =
        std::rc::Rc::new(bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect::<Vec<_>>());
    let list = json["cases"].as_array().expect("cases");
    list.iter()
        .map(|case| Case {
            name: case["name"].as_str().expect("name").to_owned(),
            params: case["params"].clone(),
            tensors: case["tensors"].clone(),
            numbers: numbers.clone(),
        })
        .collect()
}

/// `[n, c, h, w]` to `[n, h, w, c]`.
pub fn nchw_to_nhwc(shape: &[usize], values: &[f32]) -> Vec<f32> {
    let &[_, c, h, w] = shape else { panic!("{shape:?} has not four axes") };
    let mut to = Vec::with_capacity(values.len());
    for image in values.chunks_exact(c * h * w) {
        for pixel in 0..h * w {
            to.extend(image[pixel..].iter().step_by(h * w));
        }
    }
    to
}
