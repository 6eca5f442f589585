"""Computes the expected results from CSV files only, with pandas and numpy. README.md describes the results.

Usage: python data/expected/make.py GENERATED [OUT]

GENERATED is the output folder of `npm run generate`. OUT is the folder for the results (default: the folder of this
script).
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
BANDS = ['red', 'green', 'blue', 'nir', 'brightness']
NDVI_STATS = ['ndvi_mean', 'ndvi_min', 'ndvi_max']
QUANTILES = {'ndvi_p05': 0.05, 'ndvi_p25': 0.25, 'ndvi_p50': 0.5, 'ndvi_p75': 0.75, 'ndvi_p95': 0.95}

# Arrival of the sample in the archive: see README.md.
DELAY_MINUTES = 1
LONG_DELAY_MINUTES = 180
LONG_DELAY_EVERY = 7


def read_images(folder):
    """Images of a folder with their class, in the order of images.csv."""
    images = pd.read_csv(folder / 'images.csv', parse_dates=['timestamp'])
    for other, key in (('classes', 'class_id'), ('ndvi_stats', 'image_id'), ('spectral_data', 'image_id')):
        images = images.merge(pd.read_csv(folder / f'{other}.csv'), on=key, how='left', validate='many_to_one')
    for column in NDVI_STATS:
        images[f'{column}_micro'] = whole(images[column], 1_000_000)
    for band in BANDS:
        images[f'{band}_milli'] = whole(images[f'{band}_mean'], 1_000)
    images['event_day'] = images.timestamp.dt.strftime('%Y-%m-%d')
    images['ndvi_bin'] = images.ndvi_mean_micro // 1_000
    return images


def whole(values, scale):
    return (values * scale).round().astype('int64')


def put_into_archive(images):
    """Images in the order of their arrival."""
    is_delayed = np.arange(len(images)) % LONG_DELAY_EVERY == 0
    arrival = images.timestamp + pd.to_timedelta(np.where(is_delayed, LONG_DELAY_MINUTES, DELAY_MINUTES), unit='min')
    arrived = images.assign(arrival=arrival, arrival_day=arrival.dt.strftime('%Y-%m-%d'), late=is_delayed)
    return arrived.sort_values('arrival', kind='stable')


def content(arrived):
    """Result of content.sql. The first half of a slot's records, rounded down, is in two files."""
    events = arrived.groupby('arrival_day').size()
    return pd.DataFrame(
        {
            'arrival_slot': events.index + 'T00-00',
            'row_count': (events + events // 2).to_numpy(),
            'event_count': events.to_numpy(),
        }
    )


def totals(arrived):
    """Result of totals.sql, with the bins in one column: `bin:images`, ascending."""
    rows = []
    for (arrival_day, event_day, class_name), group in arrived.groupby(['arrival_day', 'event_day', 'class_name']):
        bins, counts = np.unique(group.ndvi_bin, return_counts=True)
        ndvi = group.ndvi_mean_micro
        row = {
            'arrival_day': arrival_day,
            'event_day': event_day,
            'class_name': class_name,
            'image_count': len(group),
            'late_count': group.late.sum(),
            'ndvi_sum': ndvi.sum(),
            'ndvi_square_sum': (ndvi**2).sum(),
            'ndvi_min': group.ndvi_min_micro.min(),
            'ndvi_max': group.ndvi_max_micro.max(),
        }
        for band in BANDS:
            values = group[f'{band}_milli']
            row[f'{band}_count'] = len(values)
            row[f'{band}_sum'] = values.sum()
            row[f'{band}_square_sum'] = (values**2).sum()
            row[f'{band}_ndvi_sum'] = ndvi.sum()
            row[f'{band}_ndvi_square_sum'] = (ndvi**2).sum()
            row[f'{band}_ndvi_product_sum'] = (values * ndvi).sum()
        row['ndvi_bins'] = ' '.join(f'{bin}:{count}' for bin, count in zip(bins, counts))
        rows.append(row)
    return pd.DataFrame(rows)


def statistics(images):
    """Statistics: one row for each class."""
    rows = []
    for class_name, group in images.groupby('class_name'):
        day = (group.timestamp.dt.floor('D') - pd.Timestamp(0, tz='UTC')).dt.days
        # Days are counted from the first day. The slope is the same, and keeps more digits.
        slope, _ = np.polyfit(day - day.min(), group.ndvi_mean, 1)
        row = {
            'class_name': class_name,
            'image_count': len(group),
            'ndvi_sum': group.ndvi_mean_micro.sum(),
            'ndvi_avg': group.ndvi_mean.mean(),
            'ndvi_stddev': group.ndvi_mean.std(ddof=1),
            'ndvi_min': group.ndvi_min.min(),
            'ndvi_max': group.ndvi_max.max(),
        }
        for band in ('red', 'nir', 'brightness'):
            row[f'{band}_avg'] = group[f'{band}_mean'].mean()
        for name, share in QUANTILES.items():
            row[name] = quantile(group.ndvi_bin, share)
        row['ndvi_trend_per_year'] = slope * 365.25
        row['ndvi_trend_correlation'] = np.corrcoef(day, group.ndvi_mean)[0, 1]
        for band in BANDS:
            row[f'ndvi_{band}_correlation'] = np.corrcoef(group[f'{band}_mean'], group.ndvi_mean)[0, 1]
        rows.append(row)
    return pd.DataFrame(rows)


def quantile(bins, share):
    """Quantile from bins of 0.001. The images of a bin are assumed to be spread evenly between its edges."""
    bins, counts = np.unique(bins, return_counts=True)
    up_to = counts.cumsum()
    rank = share * up_to[-1]
    found = np.searchsorted(up_to, rank)
    return min(1.0, (bins[found] + (rank - (up_to[found] - counts[found])) / counts[found]) / 1_000)


def separability(images):
    """Jeffries-Matusita distance 2 (1 - exp(-B)) of normal distributions: one row for each pair of classes."""
    features = {'ndvi': 'ndvi_mean'} | {band: f'{band}_mean' for band in BANDS}
    classes = {name: group for name, group in images.groupby('class_name')}
    rows = []
    for a, b in combinations(classes, 2):
        row = {'class_a': a, 'class_b': b}
        for feature, column in features.items():
            first, second = classes[a][column], classes[b][column]
            variance = (first.var(ddof=1) + second.var(ddof=1)) / 2
            b_distance = (first.mean() - second.mean()) ** 2 / (8 * variance)
            b_distance += np.log(variance / (first.std(ddof=1) * second.std(ddof=1))) / 2
            row[feature] = 2 * (1 - np.exp(-b_distance))
        rows.append(row)
    return pd.DataFrame(rows)


def main(generated, out=HERE):
    sample = put_into_archive(read_images(HERE.parent / 'sample'))
    images = read_images(Path(generated))
    results = {
        'content': content(sample),
        'totals': totals(sample),
        'statistics': statistics(images),
        'separability': separability(images),
    }
    for name, rows in results.items():
        rows.to_csv(Path(out) / f'{name}.csv', index=False, lineterminator='\n')


if __name__ == '__main__':
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
