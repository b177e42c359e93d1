// The sum of outer products for one instruction set V, by the micro-kernels of gemm: dw takes the place of its y, dy's columns that of
// its rows, and the inner dimension is a slice of rows. Included by one source file an instruction set.
//
// Budget of AVX-512 at 480 steps a slice: a tile of dy, 14 columns, is 26 KiB and a panel of x, 32 columns, 60 KiB; a block of 14 tiles
// stays in the second-level cache while the panels pass by once, and every element of dw is read and written once a slice, 480
// steps apart.
#pragma once

#include "ops/gemm/tile.h"
#include "ops/gemm_weight_gradient/gemm_weight_gradient.h"

namespace jc {
namespace {

template <class V>
constexpr int64_t kPanelColumns = 2 * V::kWidth;

// Rows that one task packs, and columns whose sums one task adds: 4 KiB of a panel; whole cache lines of dy.
constexpr int64_t kPackRows = 32;
constexpr int64_t kBiasVectors = 4;

// n <= 16 columns, from `first` on, of the rows of one step: `count` of them are there, at most V::kDepth are taken.
template <class V>
[[gnu::always_inline]] inline void pack_step(float* to, const float* const* rows, int64_t count, int64_t first,
                                             int64_t n) {
  if constexpr (V::kDepth == 1) {
    n == kChunk ? V::copy_chunk(to, rows[0] + first) : V::copy_part(to, rows[0] + first, n);
  } else {
    V::store(to, V::pairs(rows[0] + first, count > 1 ? rows[1] + first : nullptr, n), V::part(n));
  }
}

// `rows` rows from `begin` on, packed.
template <class V, int Most>
struct Slice {
  const OuterProducts& p;
  int64_t begin, rows, steps;
  float* x;   // panels
  float* dy;  // tiles of at most Most columns: column first + i of step s at dy[first * steps + s * count + i]
  int64_t tiles;

  int64_t first_column(int64_t tile) const { return share(p.n, tiles, tile); }

  // Rows [at, at + count), at being a step's first.
  void pack(int64_t at, int64_t count) const {
    p.pack(p.source, begin + at, count, x, steps, at / V::kDepth);
    const float* from[kPackRows];
    for (int64_t r = 0; r < count; ++r) from[r] = p.dy_row(begin + at + r);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      int64_t first = first_column(tile), columns = first_column(tile + 1) - first;
      float* to = dy + first * steps + at / V::kDepth * columns;
      for (int64_t r = 0; r < count; r += V::kDepth, to += columns) {
        pack_step<V>(to, from + r, count - r, first, columns);
      }
    }
  }

  // The slice's column sums, one chain a column.
  void add_bias(int64_t first) const {
    typename V::Float sum[kBiasVectors];
    typename V::Part part[kBiasVectors];
    for (int64_t v = 0; v < kBiasVectors; ++v) {
      sum[v] = V::zero();
      part[v] = V::part(p.n - first - v * V::kWidth);
    }
    for (int64_t r = begin; r < begin + rows; ++r) {
      const float* from = p.dy_row(r) + first;
#pragma GCC unroll 4
      for (int64_t v = 0; v < kBiasVectors; ++v) sum[v] = V::add(sum[v], V::load(from + v * V::kWidth, part[v]));
    }
    for (int64_t v = 0; v < kBiasVectors; ++v) {
      float* to = p.d_bias + first + v * V::kWidth;
      V::store(to, V::add(V::load(to, part[v]), sum[v]), part[v]);
    }
  }

  // dw += the slice, in tiles x panels; gemm's residual and y are dw.
  void multiply(const jc_context* context, int64_t width) const {
    Product q{};
    q.packed = x;
    q.residual = p.fresh && begin == 0 ? nullptr : p.dw;
    q.y = p.dw;
    q.rows = p.n;
    q.n = p.k;
    q.k = steps;
    q.ld_residual = q.ldy = p.ldw;
    Split s = split_of<V, Most>(q, width);
    parallel(context, width, s.blocks * s.groups, [&](int64_t index, int64_t) {
      int64_t block = index / s.groups, group = index % s.groups;
      int64_t first_tile = share(s.tiles, s.blocks, block), last_tile = share(s.tiles, s.blocks, block + 1);
      int64_t last_panel = share(s.panels, s.groups, group + 1);
      for (int64_t panel = share(s.panels, s.groups, group); panel < last_panel; ++panel) {
        int64_t column = panel * kPanelColumns<V>;
        Columns columns{column, p.k - column < kPanelColumns<V> ? p.k - column : kPanelColumns<V>};
        for (int64_t tile = first_tile; tile < last_tile; ++tile) {
          int64_t first = first_column(tile), count = first_column(tile + 1) - first;
          Streams streams{dy + first * steps, x + column * steps, nullptr, 0};
          Kernels<V, Most, InColumns>::table[count - 1](q, streams, places_of<Most>(q, first, count), columns);
        }
      }
    });
  }
};

template <class V, int Most>
void add_slices(const jc_context* context, const OuterProducts& p, void* workspace) {
  int64_t slices = ceil_div(p.rows, kSliceSteps * V::kDepth);
  // Below about 10 microseconds of work, waking another thread costs more than it brings.
  int64_t width = p.rows * p.n * p.k < 400000 ? 1 : parallel_width(context);
  float* panels = static_cast<float*>(workspace);
  for (int64_t i = 0; i < slices; ++i) {
    int64_t begin = share(p.rows, slices, i), rows = share(p.rows, slices, i + 1) - begin;
    int64_t steps = ceil_div(rows, V::kDepth);
    float* tiles = panels + round_up(p.k, kPanelColumns<V>) * steps;
    Slice<V, Most> slice{p, begin, rows, steps, panels, tiles, ceil_div(p.n, Most)};
    int64_t packs = ceil_div(rows, kPackRows), bias_columns = kBiasVectors * V::kWidth;
    int64_t sums = p.d_bias != nullptr ? ceil_div(p.n, bias_columns) : 0;
    parallel(context, width, packs + sums, [&](int64_t index, int64_t) {
      if (index >= packs) return slice.add_bias((index - packs) * bias_columns);
      int64_t at = index * kPackRows;
      slice.pack(at, rows - at < kPackRows ? rows - at : kPackRows);
    });
    slice.multiply(context, width);
  }
}

// Panel by panel, so that what is written lies together.
template <class V>
void pack_rows(const void* source, int64_t first, int64_t count, float* panels, int64_t steps, int64_t at) {
  const auto* a = static_cast<const jc_gemm_weight_gradient_args*>(source);
  const float* rows[kPackRows];
  for (int64_t r = 0; r < count; ++r) rows[r] = a->x + (first + r) * a->ldx;
  for (int64_t k = 0; k < a->k; k += kPanelColumns<V>) {
    float* to = panels + k * steps + at * kPanelColumns<V>;
    for (int64_t r = 0; r < count; r += V::kDepth, to += kPanelColumns<V>) {
      for (int64_t j = 0; j < kPanelColumns<V> && k + j < a->k; j += kChunk) {
        pack_step<V>(to + j, rows + r, count - r, k + j, a->k - k - j < kChunk ? a->k - k - j : kChunk);
      }
    }
  }
}

}  // namespace
}  // namespace jc
