//! Tensors index by index.

/// Every index of a shape, in row-major order.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let len = shape.iter().product();
    (0..len)
        .map(|flat| {
            let mut rest: usize = flat;
            let mut index: Vec<usize> = shape
                .iter()
                .rev()
                .map(|&size| {
                    let i = rest % size;
                    rest /= size;
                    i
                })
                .collect();
            index.reverse();
            index
        })
        .collect()
}

/// Where an index lies in a shape; where an axis has one element, the index counts as 0.
pub fn flat(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |at, (&i, &size)| at * size + if size == 1 { 0 } else { i })
}
