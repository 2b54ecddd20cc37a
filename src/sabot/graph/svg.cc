// The picture of an execution graph: a box a chain, in columns from the sources on; an arrow an edge.
#include <algorithm>
#include <cmath>

#include "sabot/graph/execution_graph.h"
#include "sabot/graph/labels_internal.h"

namespace sabot::graph {
namespace {

constexpr int kLetter = 7, kLine = 20, kPadding = 12, kRowGap = 36, kMargin = 20;
constexpr int kLettersMax = 60;

struct Box {
  int column = 0;
  int x = 0, y = 0, width = 0, height = 0;
  std::vector<std::string> lines;
};

int Letters(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

// At most so many letters; never half of one.
std::string Cut(const std::string& text, int letters_max = kLettersMax) {
  if (Letters(text) <= letters_max) return text;
  int letters = 0;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if ((text[end] & 0xC0) != 0x80 && ++letters == letters_max - 2) break;
  }
  return text.substr(0, end) + "...";
}

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

std::string Text(int x, int y, const std::string& text, const std::string& more = "") {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\"" + more + ">" + Escaped(text) +
         "</text>\n";
}

// Each chain in the column behind the last one that feeds it.
std::vector<Box> Boxes(const ExecutionGraph& graph) {
  std::vector<Box> boxes(graph.chains().size());
  for (std::size_t at = 0; at < boxes.size(); ++at) {  // Chains stand in the order of rows.
    Box& box = boxes[at];
    int arrows = 0;
    for (const ShuffleEdge& edge : graph.edges()) {
      if (edge.to_chain != static_cast<int>(at)) continue;
      box.column = std::max(box.column, boxes[edge.from_chain].column + 1);
      ++arrows;
    }
    const auto& chain = graph.chains()[at];
    box.lines.push_back("chain " + std::to_string(at) + ", " + Count(chain.parallelism, "task"));
    for (const int op : chain.operators) box.lines.push_back(Cut(OperatorLabel(graph.job().operators()[op])));
    for (const std::string& line : box.lines) box.width = std::max(box.width, Letters(line) * kLetter + 2 * kPadding);
    box.height = std::max(static_cast<int>(box.lines.size()), arrows) * kLine + kPadding;
  }
  return boxes;
}

struct Size {
  int width = 0, height = 0;
};

Size Place(const ExecutionGraph& graph, std::vector<Box>& boxes) {
  int columns = 0;
  for (const Box& box : boxes) columns = std::max(columns, box.column + 1);
  std::vector<int> widths(columns, 0), gaps(columns, 3 * kLetter), bottoms(columns, kMargin), lefts(columns, kMargin);
  for (const Box& box : boxes) widths[box.column] = std::max(widths[box.column], box.width);
  for (const ShuffleEdge& edge : graph.edges()) {  // The label of an edge stands in the gap before its receiver.
    int& gap = gaps[boxes[edge.to_chain].column];
    gap = std::max(gap, (Letters(Cut(EdgeLabel(edge))) + 6) * kLetter);
  }
  for (int column = 1; column < columns; ++column) {
    lefts[column] = lefts[column - 1] + widths[column - 1] + gaps[column];
  }
  for (Box& box : boxes) {
    box.x = lefts[box.column];
    box.y = bottoms[box.column];
    bottoms[box.column] += box.height + kRowGap;
  }
  const int bottom = *std::max_element(bottoms.begin(), bottoms.end());
  return {.width = lefts.back() + widths.back() + kMargin, .height = bottom - kRowGap + kMargin};
}

}  // namespace

std::string ExecutionGraph::ToSvg() const {
  std::vector<Box> boxes = Boxes(*this);
  const Size size = Place(*this, boxes);
  const std::string width = std::to_string(size.width), height = std::to_string(size.height);
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height +
                    "\" viewBox=\"0 0 " + width + " " + height +
                    "\" font-family=\"monospace\" font-size=\"11.5\" fill=\"#1f2933\">\n<title>" +
                    Escaped(job_.job_id()) +
                    "</title>\n"
                    "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" "
                    "markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#52606d\"/></marker></defs>\n"
                    "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  std::vector<int> arrived(boxes.size(), 0);
  for (const ShuffleEdge& edge : edges_) {
    const Box &from = boxes[edge.from_chain], &to = boxes[edge.to_chain];
    const int x1 = from.x + from.width, y1 = from.y + from.height / 2;
    const int x2 = to.x, y2 = to.y + kLine * ++arrived[edge.to_chain];
    const int middle = (x1 + x2) / 2;
    svg += "<path d=\"M" + std::to_string(x1) + " " + std::to_string(y1) + "C" + std::to_string(middle) + " " +
           std::to_string(y1) + " " + std::to_string(middle) + " " + std::to_string(y2) + " " + std::to_string(x2) +
           " " + std::to_string(y2) + "\" fill=\"none\" stroke=\"#52606d\" marker-end=\"url(#arrow)\"/>\n";
    svg += Text(x2 - 2 * kLetter, y2 - 5, Cut(EdgeLabel(edge)), " text-anchor=\"end\" font-size=\"10.5\"");
  }
  for (const Box& box : boxes) {
    svg += "<rect x=\"" + std::to_string(box.x) + "\" y=\"" + std::to_string(box.y) + "\" width=\"" +
           std::to_string(box.width) + "\" height=\"" + std::to_string(box.height) +
           "\" rx=\"6\" fill=\"#f0f4f8\" stroke=\"#829ab1\"/>\n";
    for (std::size_t line = 0; line < box.lines.size(); ++line) {
      svg += Text(box.x + kPadding, box.y + kLine * (static_cast<int>(line) + 1), box.lines[line],
                  line == 0 ? " font-weight=\"bold\"" : "");
    }
  }
  return svg + "</svg>\n";
}

}  // namespace sabot::graph
