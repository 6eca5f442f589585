"""What people do in Python with a scene and fields, or with chips, for test/bench/images.ts.

images.py make FOLDER SIDE FIELDS CHIPS   writes a scene, its fields, and chips
images.py sites FOLDER OUT                a scene and fields: rasterio, numpy and exactextract
images.py chips FOLDER OUT                chips: rasterio and numpy
images.py texture FOLDER OUT              chips with texture: scikit-image as well
images.py decode FOLDER OUT               reads the four bands of the scene
"""
import csv
import json
import os
import resource
import sys

import numpy as np
import rasterio

BANDS = {"red": "B04.tif", "nir": "B08.tif", "green": "B03.tif", "blue": "B02.tif"}
EPSG = 32632
ORIGIN = (600_000, 5_400_000)
METRES = 10
SCALE, OFFSET = 0.0001, -0.1


def make(folder, side, fields, chips):
    from rasterio.transform import from_origin
    from rasterio.warp import transform_geom

    random = np.random.default_rng(1)
    side, fields, chips = int(side), int(fields), int(chips)
    # Sentinel-2's files have tiles of 1024, deflate and a predictor.
    form = dict(driver="GTiff", count=1, crs=f"EPSG:{EPSG}", tiled=True, blockxsize=1024, blockysize=1024, compress="deflate", predictor=2, nodata=0)
    for name, mean in [("red", 1800), ("nir", 4000), ("green", 1700), ("blue", 1500)]:
        fine = np.repeat(np.repeat(random.normal(mean, mean / 8, (side // 30 + 1,) * 2), 30, 0), 30, 1)[:side, :side]
        samples = np.clip(fine + random.normal(0, 40, (side, side)), 1, 65_535).astype("uint16")
        with rasterio.open(os.path.join(folder, BANDS[name]), "w", dtype="uint16", width=side, height=side, transform=from_origin(*ORIGIN, METRES, METRES), **form) as file:
            file.write(samples, 1)
    half = side // 2
    clouds = np.repeat(np.repeat(random.random((half // 90 + 1,) * 2) < 0.1, 90, 0), 90, 1)[:half, :half]
    with rasterio.open(os.path.join(folder, "SCL.tif"), "w", dtype="uint8", width=half, height=half, transform=from_origin(*ORIGIN, 2 * METRES, 2 * METRES), **{**form, "predictor": 1}) as file:
        file.write(np.where(clouds, 9, 4).astype("uint8"), 1)
    across = int(np.ceil(fields**0.5))
    step = side / across
    features = []
    for n in range(fields):
        left, top = (n % across + 0.3) * step, (n // across + 0.3) * step
        size = step * 0.32
        corners = [(0, 0.07), (1, 0), (0.93, 1), (-0.07, 0.9), (0, 0.07)]
        ring = [(ORIGIN[0] + METRES * (left + x * size), ORIGIN[1] - METRES * (top + y * size)) for x, y in corners]
        geometry = transform_geom(f"EPSG:{EPSG}", "EPSG:4326", {"type": "Polygon", "coordinates": [ring]}, precision=9)
        features.append({"type": "Feature", "properties": {"site_id": f"field-{n}", "class_name": "Pasture"}, "geometry": geometry})
    with open(os.path.join(folder, "fields.geojson"), "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)
    assets = {name: {"href": path, "type": "image/tiff; application=geotiff", "eo:bands": [{"common_name": name}], "raster:bands": [{"scale": SCALE, "offset": OFFSET, "nodata": 0}]} for name, path in BANDS.items()}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "bench", "geometry": None, "links": [], "properties": {"datetime": "2025-06-15T10:16:21Z", "platform": "sentinel-2a", "grid:code": "MGRS-32UQV"}, "assets": {**assets, "scl": {"href": "SCL.tif", "type": "image/tiff"}}}
    with open(os.path.join(folder, "item.json"), "w") as file:
        json.dump(item, file)
    os.makedirs(os.path.join(folder, "chips", "Pasture"))
    for n in range(chips):
        samples = np.clip(random.normal(3000, 900, (13, 64, 64)), 1, 65_535).astype("uint16")
        with rasterio.open(os.path.join(folder, "chips", "Pasture", f"Pasture_{n}.tif"), "w", driver="GTiff", dtype="uint16", count=13, width=64, height=64) as file:
            file.write(samples)


def scene_of(folder):
    return {name: rasterio.open(os.path.join(folder, path)).read(1) for name, path in BANDS.items()}


def sites(folder, out):
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource
    from rasterio.warp import transform_geom

    samples = scene_of(folder)
    side = samples["red"].shape[0]
    scl = rasterio.open(os.path.join(folder, "SCL.tif")).read(1)
    scl = np.repeat(np.repeat(scl, 2, 0), 2, 1)[:side, :side]
    red, nir = (samples[name] * SCALE + OFFSET for name in ("red", "nir"))
    counts = (samples["red"] != 0) & (samples["nir"] != 0) & ~np.isin(scl, (0, 1, 3, 8, 9, 10)) & (red >= 0) & (nir >= 0) & (red + nir > 0)
    with np.errstate(all="ignore"):
        measured = {"ndvi": np.where(counts, (nir - red) / (nir + red), np.nan)}
    measured.update({name: np.where(counts, samples[name], np.nan) for name in BANDS})
    with open(os.path.join(folder, "fields.geojson")) as file:
        features = json.load(file)["features"]
    for feature in features:
        feature["geometry"] = transform_geom("EPSG:4326", f"EPSG:{EPSG}", feature["geometry"])
    box = dict(xmin=ORIGIN[0], ymax=ORIGIN[1], xmax=ORIGIN[0] + side * METRES, ymin=ORIGIN[1] - side * METRES)
    rasters = [NumPyRasterSource(array, name=name, nodata=np.nan, **box) for name, array in measured.items()]
    # Names of single operations, "ndvi_mean=mean(ndvi)", end exactextract 0.3.0: every raster gets them all.
    found = exact_extract(rasters, features, ["mean", "stdev", "min", "max", "count"], include_cols=["site_id"])
    write(out, [each["properties"] for each in found])


def chips(folder, out, has_texture=False):
    if has_texture:
        from skimage.feature import graycomatrix, graycoprops
    rows = []
    for root, _, names in sorted(os.walk(os.path.join(folder, "chips"))):
        for name in sorted(names):
            with rasterio.open(os.path.join(root, name)) as file:
                samples = file.read().astype("float64")
            red, nir = samples[3] * SCALE, samples[7] * SCALE
            ndvi = (nir - red) / (nir + red)
            row = {"image_id": name[:-4], "ndvi_mean": ndvi.mean(), "ndvi_std": ndvi.std(), "ndvi_min": ndvi.min(), "ndvi_max": ndvi.max()}
            row.update({f"{band}_mean": samples[at].mean() for band, at in (("red", 3), ("green", 2), ("blue", 1), ("nir", 7))})
            if has_texture:
                levels = np.clip(((ndvi + 1) / 2 * 64).astype(int), 0, 63).astype("uint8")
                matrix = graycomatrix(levels, [1], [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4], levels=64, symmetric=True, normed=True)
                for prop in ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "entropy"):
                    row[f"texture_{prop}"] = graycoprops(matrix, prop).mean()
            rows.append(row)
    write(out, rows)


def write(out, rows):
    with open(out, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def decode(folder, out):
    with open(out, "w") as file:
        file.write(str(sum(int(array[::1000, ::1000].sum()) for array in scene_of(folder).values())))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    {"make": make, "sites": sites, "chips": chips, "texture": lambda folder, out: chips(folder, out, True), "decode": decode}[what](*rest)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpuSeconds": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}))
