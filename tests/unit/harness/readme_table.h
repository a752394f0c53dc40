#pragma once

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace vwsi::testing {

/// Columns of README's tables of what the layer supplies.
enum Column : size_t { Headless, X11, Wayland, Display };

/// One row: an extension or a present mode, and where it is supplied.
struct SuppliedRow {
    std::string name;
    std::array<bool, 4> on{};
    bool newerHeaders = false; ///< in italics: only builds with headers that know it have it
    std::string remark;
};

/// README's table whose first column has this title.
inline std::vector<SuppliedRow> readmeTable(const char* readme, std::string_view title)
{
    std::vector<SuppliedRow> rows;
    std::ifstream file(readme);
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        std::vector<std::string> cells;
        std::stringstream stream(line);
        for (std::string cell; std::getline(stream, cell, '|');)
            cells.push_back(cell);
        if (cells.size() < 6 || !cells[0].empty()) {
            inside = false;
            continue;
        }
        const size_t from = cells[1].find('`');
        const size_t to = cells[1].rfind('`');
        if (from == std::string::npos) {
            inside |= cells[1].find(title) != std::string::npos;
        } else if (inside) {
            SuppliedRow row;
            row.name = cells[1].substr(from + 1, to - from - 1);
            row.newerHeaders = cells[1].find('*') != std::string::npos;
            for (size_t i = 0; i < row.on.size(); ++i)
                row.on[i] = cells[2 + i].find("●") != std::string::npos;
            row.remark = cells.size() > 6 ? cells[6] : "";
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

} // namespace vwsi::testing
