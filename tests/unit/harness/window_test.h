#pragma once

#include "harness/layer_test.h"

namespace vwsi::testing {

/// A LayerTest with one window, made when it is first asked for.
class WindowTest : public LayerTest {
protected:
    Window& window()
    {
        if (!m_window)
            m_window = std::make_unique<Window>(device());
        return *m_window;
    }

    void closeWindow() { m_window.reset(); }

    void TearDown() override
    {
        closeWindow();
        LayerTest::TearDown();
    }

private:
    std::unique_ptr<Window> m_window;
};

} // namespace vwsi::testing
