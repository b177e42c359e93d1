// The product for one instruction set V: micro-kernel, gathering, and the split into tasks. Included by one source file an
// instruction set, compiled with that file's flags; everything here has internal linkage.
//
// Every output element is one chain  acc = fma(a[k], w[k], acc), k = 0, 1, ...  that never leaves its register: whatever the tile,
// task or thread, the bits are the same. There is no split of k: a tile of gathered rows is read from the second-level cache and a
// panel of weights from the third, both in one sequential stream, at 56 + 128 bytes per 28 cycles in the largest AVX-512 tile.
#pragma once

#include <utility>

#include "ops/gemm/put_run.h"
#include "simd/activation.h"

namespace jc {
namespace {

// Places of one tile's rows in y and in the residual, in elements.
template <int Rows>
struct Places {
  int64_t y[Rows];
  int64_t residual[Rows];
};

// A panel's columns: the first one and how many.
struct Columns {
  int64_t first;
  int64_t count;
};

// What a tile fetches into the second-level cache for the next panel: `lines` cache lines per chunk of k, from `from` on. Without it the
// first tile of a panel waits for memory, and the others leave memory idle.
struct Ahead {
  const float* from;
  int64_t lines;
};

template <class V, int Rows>
struct Kernel {
  static constexpr int kVectors = 2;
  using Float = typename V::Float;

  template <int Most>
  static void run(const Product& p, const float* a, const float* w, const Places<Most>& places, Columns columns,
                  Ahead ahead) {
    Float acc[Rows][kVectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < kVectors; ++j) acc[i][j] = V::zero();
    }
    int64_t k = p.k;
    for (; k >= kChunk; k -= kChunk) {
      for (int64_t i = 0; i < ahead.lines; ++i) V::prefetch(ahead.from + i * 16);
      ahead.from += ahead.lines * 16;
#pragma GCC unroll 1
      for (int step = 0; step < kChunk; ++step) multiply_add(acc, a + step, w + step * kVectors * V::kWidth);
      a += Rows * kChunk;
      w += kChunk * kVectors * V::kWidth;
    }
    for (; k > 0; --k) {
      multiply_add(acc, a, w);
      ++a;
      w += kVectors * V::kWidth;
    }
    finish(acc, p, places, columns);
  }

 private:
  [[gnu::always_inline]] static void multiply_add(Float (&acc)[Rows][kVectors], const float* a, const float* w) {
    Float w0 = V::load(w), w1 = V::load(w + V::kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      Float x = V::set(a[i * kChunk]);
      acc[i][0] = V::fma(x, w0, acc[i][0]);
      acc[i][1] = V::fma(x, w1, acc[i][1]);
    }
  }

  template <int Most>
  [[gnu::always_inline]] static void finish(Float (&acc)[Rows][kVectors], const Product& p, const Places<Most>& places,
                                            Columns columns) {
    float* y = p.y + columns.first;
    typename V::Part first = V::part(columns.count), second = V::part(columns.count - V::kWidth);
    if (p.bias != nullptr) {
      Float b0 = V::load(p.bias + columns.first, first);
      Float b1 = V::load(p.bias + columns.first + V::kWidth, second);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        acc[i][0] = V::add(acc[i][0], b0);
        acc[i][1] = V::add(acc[i][1], b1);
      }
    }
    if (p.residual != nullptr) {
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const float* r = p.residual + columns.first + places.residual[i];
        acc[i][0] = V::add(acc[i][0], V::load(r, first));
        acc[i][1] = V::add(acc[i][1], V::load(r + V::kWidth, second));
      }
    }
    if (p.activation == JC_RELU) {
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        acc[i][0] = V::max(V::zero(), acc[i][0]);
        acc[i][1] = V::max(V::zero(), acc[i][1]);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      V::store(y + places.y[i], acc[i][0], first);
      V::store(y + places.y[i] + V::kWidth, acc[i][1], second);
    }
  }
};

// The transcendental activations, on a tile of y that was just written and lies in the first-level cache: unrolled into the
// micro-kernels they would cost code and registers and save nothing that can be measured.
template <class V, int Most>
void activate(const Product& p, int64_t rows, const Places<Most>& places, Columns columns) {
  for (int64_t i = 0; i < rows; ++i) {
    float* y = p.y + columns.first + places.y[i];
    for (int64_t j = 0; j < columns.count; j += V::kWidth) {
      typename V::Part part = V::part(columns.count - j);
      auto x = V::load(y + j, part);
      V::store(y + j, p.activation == JC_GELU ? gelu<V>(x) : quick_gelu<V>(x), part);
    }
  }
}

template <class V, int Most>
using Run = void (*)(const Product&, const float*, const float*, const Places<Most>&, Columns, Ahead);

// kernels<V, Most>[r - 1] computes r rows.
template <class V, int Most, class Sequence = std::make_integer_sequence<int, Most>>
struct Kernels;
template <class V, int Most, int... I>
struct Kernels<V, Most, std::integer_sequence<int, I...>> {
  static constexpr Run<V, Most> table[Most] = {&Kernel<V, I + 1>::template run<Most>...};
};

template <int Most>
Places<Most> places_of(const Product& p, int64_t first, int64_t count) {
  Places<Most> places;
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = first + i, y = row, residual = row;
    if (p.period != 0) {
      y = row + (row / p.period + 1) * p.skip;
      residual = row % p.period + p.skip;
    }
    places.y[i] = y * p.ldy;
    places.residual[i] = residual * p.ld_residual;
  }
  return places;
}

// How a product is cut: rows into tiles of even height (50 = 13 + 13 + 12 + 12), tiles into blocks that fit the cache, columns into
// groups of panels; a task is one block of rows times one group.
struct Split {
  int64_t tiles;
  int64_t blocks;
  int64_t panels;
  int64_t groups;
};

inline int64_t share(int64_t total, int64_t parts, int64_t i) { return total * i / parts; }

template <class V, int Most>
Split split_of(const Product& p, int64_t width, int64_t bytes_of_slot) {
  Split s;
  int64_t most_bytes = Most * round_up(p.k, kChunk) * 4;
  s.tiles = ceil_div(p.rows, Most);
  int64_t fit = bytes_of_slot / most_bytes;
  s.blocks = ceil_div(s.tiles, fit > 0 ? fit : 1);
  s.panels = ceil_div(p.n, 2 * V::kWidth);
  // Four tasks a thread even out neighbours' noise; a group of fewer than four panels would gather its rows too often.
  int64_t wanted = width > 1 ? ceil_div(4 * width, s.blocks) : 1;
  int64_t most = s.panels >= 8 ? s.panels / 4 : s.panels >= 2 ? 2 : 1;
  s.groups = wanted < most ? wanted : most;
  return s;
}

// One tile times one panel.
template <class V, int Most>
void multiply_panel(const Product& p, const Places<Most>& places, int64_t count, const float* gathered, int64_t panel,
                    Ahead ahead) {
  constexpr int64_t kColumns = 2 * V::kWidth;
  Columns columns{panel * kColumns, p.n - panel * kColumns < kColumns ? p.n - panel * kColumns : kColumns};
  Kernels<V, Most>::table[count - 1](p, gathered, p.packed + panel * kColumns * p.k, places, columns, ahead);
  if (p.activation == JC_GELU || p.activation == JC_QUICK_GELU) activate<V, Most>(p, count, places, columns);
}

// One task. Weights that fit the second-level cache stay there while tiles pass by, each gathered just before it is used and each
// writing whole rows of y; larger ones pass by a block of gathered tiles.
template <class V, int Most>
void multiply_block(const Product& p, const Split& s, int64_t task, float* gathered) {
  int64_t block = task / s.groups, group = task % s.groups;
  int64_t first_tile = share(s.tiles, s.blocks, block), last_tile = share(s.tiles, s.blocks, block + 1);
  int64_t first_panel = share(s.panels, s.groups, group), last_panel = share(s.panels, s.groups, group + 1);
  int64_t row = round_up(p.k, kChunk);
  auto first_of = [&](int64_t tile) { return share(p.rows, s.tiles, tile); };
  if ((last_panel - first_panel) * 2 * V::kWidth * p.k * 4 <= kBlockBytes) {
    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
      int64_t first = first_of(tile), count = first_of(tile + 1) - first;
      Places<Most> places = places_of<Most>(p, first, count);
      p.gather(p.source, first, count, gathered);
      for (int64_t panel = first_panel; panel < last_panel; ++panel) {
        multiply_panel<V, Most>(p, places, count, gathered, panel, {p.packed, 0});
      }
    }
    return;
  }
  int64_t block_row = first_of(first_tile);
  for (int64_t tile = first_tile; tile < last_tile; ++tile) {
    int64_t first = first_of(tile);
    p.gather(p.source, first, first_of(tile + 1) - first, gathered + (first - block_row) * row);
  }
  int64_t panel_size = 2 * V::kWidth * p.k;
  int64_t lines = ceil_div(2 * V::kWidth, last_tile - first_tile);  // a chunk of a panel, shared by the tiles
  for (int64_t panel = first_panel; panel < last_panel; ++panel) {
    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
      int64_t first = first_of(tile), count = first_of(tile + 1) - first;
      Places<Most> places = places_of<Most>(p, first, count);
      const float* next = p.packed + (panel + 1) * panel_size + (tile - first_tile) * lines * p.k;
      Ahead ahead{next, panel + 1 < s.panels && last_tile - first_tile > 1 ? lines : 0};
      multiply_panel<V, Most>(p, places, count, gathered + (first - block_row) * row, panel, ahead);
    }
  }
}

template <class V, int Most>
void multiply_tiles(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes) {
  if (p.rows == 0) return;
  int64_t width = product_width(context, p, workspace_bytes);
  int64_t slot_bytes = product_workspace(context, p.rows, p.k, 1);
  Split s = split_of<V, Most>(p, width, slot_bytes);
  parallel(context, width, s.blocks * s.groups, [&](int64_t task, int64_t slot) {
    float* gathered = reinterpret_cast<float*>(static_cast<char*>(workspace) + slot * slot_bytes);
    multiply_block<V, Most>(p, s, task, gathered);
  });
}

template <class V>
void gather_rows(const void* source, int64_t first, int64_t count, float* tile) {
  const auto* a = static_cast<const jc_gemm_args*>(source);
  for (int64_t i = 0; i < count; ++i) put_run<V>(tile, count, i, 0, a->a + (first + i) * a->lda, a->k);
}

}  // namespace
}  // namespace jc
