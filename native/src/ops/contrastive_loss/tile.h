// Tiles of similarities, for the loss and for its gradient, by the micro-kernel of the product: nothing larger than a tile is kept, what is
// to be done with it happens while it lies in the first-level cache. V: simd/vec_*.h, W: its base, in which ops/gemm/tile.h is written.
#pragma once

#include "ops/contrastive_loss/contrastive_loss.h"
#include "ops/gemm/tile.h"

namespace jc {
namespace {

// Rows [first, first + count) of x [., width] as the product's weights, each row an output: panels [width, columns], zero-padded.
template <class V>
void pack_outputs(const float* x, int64_t first, int64_t count, int64_t width, float* packed) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  for (int64_t row = 0; row < count; row += kColumns) {
    for (int64_t d = 0; d < width; d += kLanes) {
      int64_t columns = width - d < kLanes ? width - d : kLanes;
      for (int64_t half = 0; half < kColumns; half += kLanes) {
        V::transpose(x + (first + row + half) * width + d, width, count - row - half, columns,
                     packed + row * width + d * kColumns + half, kColumns);
      }
    }
  }
}

// Rows [first, first + count) of x [., width] times a factor as the product's weights, each row one k: panels [count, columns].
// `panel` of them is written.
template <class V>
void pack_inputs(const float* x, int64_t first, int64_t count, int64_t width, int64_t panel, float factor,
                 float* packed) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  typename V::Float c = V::set(factor);
  for (int64_t half = 0; half < kColumns; half += kLanes) {
    int64_t at = panel * kColumns + half, n = width - at;
    for (int64_t k = 0; k < count; ++k) {
      typename V::Float v = n > 0 ? V::load(x + (first + k) * width + at, n) : V::zero();
      V::store(packed + (panel * count + k) * kColumns + half, V::mul(c, v));
    }
  }
}

// z[i, i] with the additions of a tile, eight chains at a time.
[[gnu::noinline]] void diagonal(const Pairs& p, int64_t first, int64_t last, float* z) {
  for (int64_t i = first; i < last; i += 8) {
    int64_t count = last - i < 8 ? last - i : 8;
    float acc[8] = {};
    const float *u = p.image + i * p.width, *t = p.text + i * p.width;
    if (count == 8) {
      for (int64_t d = 0; d < p.width; ++d) {
#pragma GCC unroll 8
        for (int64_t r = 0; r < 8; ++r) acc[r] = __builtin_fmaf(u[r * p.width + d], t[r * p.width + d], acc[r]);
      }
    } else {
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t d = 0; d < p.width; ++d) acc[r] = __builtin_fmaf(u[r * p.width + d], t[r * p.width + d], acc[r]);
      }
    }
    for (int64_t r = 0; r < count; ++r) z[i + r] = __builtin_fmaf(acc[r], p.scale, p.bias);
  }
}

inline void diagonal(jc_context* context, const Pairs& p, int64_t threads, float* z) {
  parallel(context, threads, ceil_div(p.rows, kRowsOfTask), [&](int64_t task, int64_t) {
    int64_t first = task * kRowsOfTask;
    diagonal(p, first, first + kRowsOfTask < p.rows ? first + kRowsOfTask : p.rows, z);
  });
}

// A tile of similarities: rows [row, row + rows) of the images, columns [column, column + columns) of the texts, with a stride of a panel.
// Absent are what lies beyond the columns, and pairs that belong together: those are kept apart.
struct Tile {
  float* z;
  int64_t row;
  int64_t rows;
  int64_t column;
  int64_t columns;
};

// Images [first_row, first_row + rows) against texts [first_column, first_column + columns), which are packed.
struct Plane {
  int64_t first_row;
  int64_t rows;
  int64_t first_column;
  int64_t columns;
  const float* packed;
};

template <class V>
void finish_tile(const Pairs& p, const Tile& tile) {
  constexpr int64_t kLanes = V::kWidth, kColumns = 2 * kLanes;
  typename V::Float scale = V::set(p.scale), bias = V::set(p.bias);
  for (int64_t i = 0; i < tile.rows * kColumns; i += kLanes)
    V::store(tile.z + i, V::fma(V::load(tile.z + i), scale, bias));
  for (int64_t i = 0; i < tile.rows; ++i) {
    int64_t own = tile.row + i - tile.column;
    if (own >= 0 && own < tile.columns) tile.z[i * kColumns + own] = kAbsent;
    for (int64_t j = tile.columns; j < kColumns; ++j) tile.z[i * kColumns + j] = kAbsent;
  }
}

// f(tile) for the tiles [first, last) of the plane's rows and all its columns, panel by panel. The gathered rows stay in the second-level
// cache while the packed texts pass by, as in Task::by_panels.
template <class V, class W, int Most, class F>
void for_tiles(const Pairs& p, const Plane& plane, int64_t first, int64_t last, float* gathered, float* z, F&& f) {
  constexpr int64_t kColumns = 2 * V::kWidth;
  int64_t tiles = ceil_div(plane.rows, Most), padded = round_up(p.width, kChunk);
  int64_t start = share(plane.rows, tiles, first);
  auto row_of = [&](int64_t tile) { return share(plane.rows, tiles, tile); };
  for (int64_t tile = first; tile < last; ++tile) {
    int64_t row = row_of(tile), count = row_of(tile + 1) - row;
    for (int64_t i = 0; i < count; ++i) {
      put_run<W>(gathered + (row - start) * padded, count, i, 0, p.image + (plane.first_row + row + i) * p.width,
                 p.width);
    }
  }
  Product product{};
  product.k = p.width;
  product.y = z;
  Places<Most> places{};
  for (int64_t i = 0; i < Most; ++i) places.y[i] = i * kColumns;
  int64_t share_of_next = ceil_div(kColumns, last - first);
  for (int64_t column = 0; column < plane.columns; column += kColumns) {
    const float* w = plane.packed + column * p.width;
    const float* next = w + kColumns * p.width;
    bool more = column + kColumns < plane.columns;
    for (int64_t tile = first; tile < last; ++tile) {
      int64_t row = row_of(tile), count = row_of(tile + 1) - row;
      Streams streams{gathered + (row - start) * padded, w, next + (tile - first) * share_of_next * p.width,
                      more ? share_of_next : 0};
      Kernels<W, Most>::table[count - 1](product, streams, places, {0, kColumns});
      int64_t columns = plane.columns - column < kColumns ? plane.columns - column : kColumns;
      Tile made{z, plane.first_row + row, count, plane.first_column + column, columns};
      finish_tile<V>(p, made);
      f(made);
    }
  }
}

}  // namespace
}  // namespace jc
