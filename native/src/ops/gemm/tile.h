// The product for one instruction set V: micro-kernel, gathering, and the split into tasks. Included by one source file an
// instruction set, compiled with that file's flags; everything here has internal linkage.
//
// Every output element is one chain  acc = fma(a[k], w[k], acc), k = 0, 1, ...  that never leaves its register: whatever the tile, task
// or thread, the bits are the same. k is not cut: gathered rows come from the second-level cache and a panel of weights from there or
// beyond, each in one sequential stream that the tile uses slowly enough.
// In bf16 a step takes two values of k, which lie together in what counts as one float of a tile or a panel.
//
// Budget of the largest AVX-512 tile, 14 x 32: 28 accumulators, 2 vectors of weights, 1 broadcast value of 32 registers; per k 28
// multiply-adds for 2 loads and 14 broadcasts (one multiply-add a cycle where 512 bits pass in two halves, so 28 cycles in which 184
// bytes come from the caches). AVX2, 6 x 16: 12 + 2 + 1 of 16 registers; per k 12 multiply-adds in 6 cycles for 8 loads.
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

// One tile's gathered rows and one panel of weights.
struct Streams {
  const float* a;
  const float* w;
  // The tile's share of the next panel, fetched into the second-level cache meanwhile: `lines` cache lines per chunk of k. Without it
  // the first tile of a panel waits for memory, and the others leave memory idle.
  const float* ahead;
  int64_t lines;
};

// Where step s of row i lies in a tile of `Rows` rows: in gathered rows, chunk by chunk, at i * 16 + s; in columns, at s * Rows + i.
struct InChunks {
  template <int Rows>
  static constexpr int64_t kStep = 1;
  static constexpr int64_t kRow = kChunk;
};
struct InColumns {
  template <int Rows>
  static constexpr int64_t kStep = Rows;
  static constexpr int64_t kRow = 1;
};

template <class V, int Rows, class Order = InChunks>
struct Kernel {
  static constexpr int kVectors = 2;
  static constexpr int64_t kStep = Order::template kStep<Rows>;
  static constexpr int64_t kColumns = kVectors * V::kWidth;
  using Float = typename V::Float;

  template <int Most>
  static void run(const Product& p, const Streams& streams, const Places<Most>& places, Columns columns) {
    own(p.y + columns.first, places);
    Float acc[Rows][kVectors];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < kVectors; ++j) acc[i][j] = V::zero();
    }
    const float *a = streams.a, *w = streams.w, *ahead = streams.ahead;
    int64_t k = p.k;
    for (; k >= kChunk; k -= kChunk) {
      for (int64_t i = 0; i < streams.lines; ++i, ahead += 16) V::prefetch(ahead);
#pragma GCC unroll 1
      for (int step = 0; step < kChunk; ++step) multiply_add(acc, a + step * kStep, w + step * kColumns);
      a += Rows * kChunk;
      w += kChunk * kColumns;
    }
    for (; k > 0; --k) {
      multiply_add(acc, a, w);
      a += kStep;
      w += kColumns;
    }
    finish(acc, p, places, columns);
  }

 private:
  // Asks for the lines of y, which arrive while the tile computes; the stores at its end would otherwise wait for one after another.
  template <int Most>
  [[gnu::always_inline]] static void own(const float* y, const Places<Most>& places) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      V::prefetch_write(y + places.y[i]);
      if (kColumns > 16) V::prefetch_write(y + places.y[i] + 16);
    }
  }

  [[gnu::always_inline]] static void multiply_add(Float (&acc)[Rows][kVectors], const float* a, const float* w) {
    Float w0 = V::load(w), w1 = V::load(w + V::kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      Float x = V::set(a[i * Order::kRow]);
      acc[i][0] = V::dot(x, w0, acc[i][0]);
      acc[i][1] = V::dot(x, w1, acc[i][1]);
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
using Run = void (*)(const Product&, const Streams&, const Places<Most>&, Columns);

// kernels<V, Most>[r - 1] computes r rows.
template <class V, int Most, class Order = InChunks, class Sequence = std::make_integer_sequence<int, Most>>
struct Kernels;
template <class V, int Most, class Order, int... I>
struct Kernels<V, Most, Order, std::integer_sequence<int, I...>> {
  static constexpr Run<V, Most> table[Most] = {&Kernel<V, I + 1, Order>::template run<Most>...};
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
Split split_of(const Product& p, int64_t width) {
  Split s;
  s.tiles = ceil_div(p.rows, Most);
  s.blocks = ceil_div(s.tiles, block_tiles(Most, p.k));
  s.panels = ceil_div(p.n, 2 * V::kWidth);
  // Eight tasks a thread even out neighbours' noise; a group of fewer than four panels would gather its rows too often.
  int64_t wanted = width > 1 ? ceil_div(8 * width, s.blocks) : 1;
  int64_t most = s.panels >= 8 ? s.panels / 4 : s.panels >= 2 ? 2 : 1;
  s.groups = wanted < most ? wanted : most;
  return s;
}

// One task's rows and columns, and its thread's memory.
template <class V, int Most>
struct Task {
  static constexpr int64_t kColumns = 2 * V::kWidth;
  const Product& p;
  const Split& s;
  int64_t first_tile, last_tile, first_panel, last_panel;
  float* gathered;

  int64_t first_row(int64_t tile) const { return share(p.rows, s.tiles, tile); }

  void run(const Streams& streams, int64_t first, int64_t count, int64_t panel) const {
    Places<Most> places = places_of<Most>(p, first, count);
    Columns columns{panel * kColumns, p.n - panel * kColumns < kColumns ? p.n - panel * kColumns : kColumns};
    Kernels<V, Most>::table[count - 1](p, streams, places, columns);
    if (p.activation == JC_GELU || p.activation == JC_QUICK_GELU) activate<V, Most>(p, count, places, columns);
  }

  // Weights stay in the second-level cache while many tiles pass by, each gathered just before it is used and writing whole rows of y.
  void by_tiles() const {
    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
      int64_t first = first_row(tile), count = first_row(tile + 1) - first;
      p.gather(p.source, first, count, gathered);
      for (int64_t panel = first_panel; panel < last_panel; ++panel) {
        run({gathered, p.packed + panel * kColumns * p.k, nullptr, 0}, first, count, panel);
      }
    }
  }

  // Gathered rows stay in the second-level cache while the weights pass by once.
  void by_panels() const {
    int64_t block = first_row(first_tile), row = round_up(p.k, kChunk), tiles = last_tile - first_tile;
    for (int64_t tile = first_tile; tile < last_tile; ++tile) {
      int64_t first = first_row(tile);
      p.gather(p.source, first, first_row(tile + 1) - first, gathered + (first - block) * row);
    }
    int64_t lines = tiles > 1 ? ceil_div(kColumns, tiles) : 0;  // a chunk is kColumns cache lines
    for (int64_t panel = first_panel; panel < last_panel; ++panel) {
      const float* w = p.packed + panel * kColumns * p.k;
      const float* next = w + kColumns * p.k;
      for (int64_t tile = first_tile; tile < last_tile; ++tile) {
        int64_t first = first_row(tile), count = first_row(tile + 1) - first, i = tile - first_tile;
        run({gathered + (first - block) * row, w, next + i * lines * p.k, panel + 1 < last_panel ? lines : 0}, first,
            count, panel);
      }
    }
  }
};

template <class V, int Most>
void multiply_tiles(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes) {
  if (p.rows == 0) return;
  int64_t width = product_width(context, p, workspace_bytes);
  int64_t slot_bytes = product_workspace(context, p.rows, p.k, 1);
  Split s = split_of<V, Most>(p, width);
  parallel(context, width, s.blocks * s.groups, [&](int64_t index, int64_t slot) {
    int64_t block = index / s.groups, group = index % s.groups;
    float* memory = reinterpret_cast<float*>(static_cast<char*>(workspace) + slot * slot_bytes);
    Task<V, Most> task{p,
                       s,
                       share(s.tiles, s.blocks, block),
                       share(s.tiles, s.blocks, block + 1),
                       share(s.panels, s.groups, group),
                       share(s.panels, s.groups, group + 1),
                       memory};
    bool stay = (task.last_panel - task.first_panel) * task.kColumns * p.k * 4 <= kWeightBytes;
    if (stay && task.last_tile - task.first_tile >= kManyTiles) {
      task.by_tiles();
    } else {
      task.by_panels();
    }
  });
}

template <class V>
void gather_rows(const void* source, int64_t first, int64_t count, float* tile) {
  const auto* a = static_cast<const jc_gemm_args*>(source);
  for (int64_t i = 0; i < count; ++i) put_run<V>(tile, count, i, 0, a->a + (first + i) * a->lda, a->k);
}

}  // namespace
}  // namespace jc
